/** Recovery from crashes: of workers, of Python's workers in the same group, and of Redis. */
import type { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { testRedis } from '../../testing/redis.ts';
import { Intake, messageData, send } from './intake.fixture.ts';

const until = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
const consumersOf = async (redis: Redis) =>
  ((await redis.xinfo('CONSUMERS', 'taskiq', 'taskiq')) as string[][]).map((one) => one[1]!);

/** Milliseconds since this consumer last asked. */
const idleOf = async (redis: Redis, name: string) => {
  const consumers = (await redis.xinfo('CONSUMERS', 'taskiq', 'taskiq')) as (string | number)[][];
  const flat = consumers.find((one) => one[1] === name) ?? [];
  return Number(flat[flat.indexOf('idle') + 1]);
};

/** Reads as another worker would, and never acknowledges. */
async function readAs(redis: Redis, consumer: string): Promise<void> {
  await redis.xgroup('CREATE', 'taskiq', 'taskiq', '0', 'MKSTREAM').catch(() => undefined);
  await redis.xreadgroup('GROUP', 'taskiq', consumer, 'COUNT', 1000, 'STREAMS', 'taskiq', '>');
}

/**
 * A Python worker asks for more every two seconds while it works. Since 7.2 Redis takes any question for a sign of life. Before, it took
 * only a question that it has an answer to, so this asks for past entries.
 */
async function showLife(redis: Redis, consumer: string): Promise<void> {
  await redis.xreadgroup('GROUP', 'taskiq', consumer, 'COUNT', 1, 'STREAMS', 'taskiq', '99999999999999');
}

describe('what a dead consumer left pending', () => {
  test('is taken over once it is idle long enough, all of it, and the consumer is removed', async () => {
    await using server = await testRedis();
    const ids = Array.from({ length: 350 }, (_, i) => `m${i}`);
    for (const id of ids) await send(server.client, id);
    await readAs(server.client, 'dead');
    await using one = new Intake({ url: server.url, times: { claimIdleMs: 300, goneMs: 300 } });
    await until(() => expect(one.accepted.size).toBe(350));
    await until(async () => expect(await consumersOf(server.client)).toEqual([one.consumer.name]));
    expect(one.handedOver).toHaveLength(350);
  });

  test('stays with a consumer that is alive, however long its work takes', async () => {
    await using server = await testRedis();
    await send(server.client, 'long');
    await readAs(server.client, 'python');
    await using one = new Intake({ url: server.url, times: { claimIdleMs: 100 } });
    const started = performance.now();
    while (performance.now() - started < 600) {
      await showLife(server.client, 'python');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(one.handedOver).toEqual([]);
    expect(await one.lag()).toMatchObject({ pending: 1 });
    await until(() => expect(one.handedOver).toEqual(['long']));
  });

  test("waits while Python's workers hold their lock, but not forever", async () => {
    await using server = await testRedis();
    await server.client.set('autoclaim:taskiq:taskiq', 'token of a worker that was killed');
    await send(server.client, 'a1');
    await readAs(server.client, 'dead');
    const started = performance.now();
    await using one = new Intake({ url: server.url, times: { claimIdleMs: 50, respectLockMs: 500 } });
    await until(() => expect(one.handedOver).toEqual(['a1']));
    expect(performance.now() - started).toBeGreaterThan(500);
    expect(await server.client.exists('autoclaim:taskiq:taskiq')).toBe(1);
  });

  test('that was killed five times by the same message: it is dead and kills no more', async () => {
    await using server = await testRedis();
    const id = await send(server.client, 'killer');
    await readAs(server.client, 'dead');
    for (let i = 0; i < 4; i += 1) await server.client.xclaim('taskiq', 'taskiq', `dead${i}`, 0, id);
    await using one = new Intake({ url: server.url, times: { claimIdleMs: 50 } });
    await until(() => expect(one.dead).toEqual(['delivery_limit']));
    expect(one.handedOver).toEqual([]);
  });
});

describe('consumers', () => {
  test('that hold something or have asked lately are never removed', async () => {
    await using server = await testRedis();
    await using one = new Intake({ url: server.url, times: { goneMs: 1_000 } });
    await until(() => expect(one.consumer.isReading).toBe(true));
    await server.client.xgroup('CREATECONSUMER', 'taskiq', 'taskiq', 'young');
    await readAs(server.client, 'holder');
    // Several rounds of housekeeping.
    await until(async () => expect(await idleOf(server.client, 'young')).toBeGreaterThan(100));
    expect(await consumersOf(server.client)).toContain('young');
    await until(async () => expect(await consumersOf(server.client)).not.toContain('young'));
  });
});

describe('Redis', () => {
  test('emptied by accident: the group is created again and messages go on', async () => {
    await using server = await testRedis();
    await using one = new Intake({ url: server.url });
    await send(server.client, 'before');
    await until(() => expect(one.accepted.has('before')).toBe(true));
    await server.client.flushall();
    await send(server.client, 'after');
    await until(() => expect(one.accepted.has('after')).toBe(true));
    expect(one.problems).toEqual([]);
  });

  test('without the group only: what the stream still holds is taken', async () => {
    await using server = await testRedis();
    await using one = new Intake({ url: server.url });
    await until(() => expect(one.consumer.isReading).toBe(true));
    await server.client.xgroup('DESTROY', 'taskiq', 'taskiq');
    await send(server.client, 'after');
    await until(() => expect(one.accepted.has('after')).toBe(true));
  });

  test('restarted and killed with its data kept: nothing is lost and the worker goes on by itself', async () => {
    await using server = await testRedis({ appendonly: true });
    server.client.on('error', () => undefined);
    await server.client.config('SET', 'appendfsync', 'always');
    await using one = new Intake({ url: server.url, times: { claimIdleMs: 500 } });
    const ids = Array.from({ length: 600 }, (_, i) => `m${i}`);
    for (const [i, id] of ids.entries()) {
      await send(server.client, id);
      if (i === 200) await server.server.restart();
      if (i === 400) await server.server.kill().then(() => server.server.restart());
    }
    await until(() => expect(one.accepted.size).toBe(600));
    await until(async () => expect((await server.client.xpending('taskiq', 'taskiq'))[0]).toBe(0));
    expect(one.problems).not.toEqual([]);
  });

  test('away at the start: the worker waits for it and stops in time all the same', async () => {
    await using server = await testRedis();
    server.client.on('error', () => undefined);
    await server.server.stop();
    const one = new Intake({ url: server.url, times: { stopMs: 200 } });
    await until(() => expect(one.problems.length).toBeGreaterThan(0));
    expect(one.consumer.isReading).toBe(false);
    await server.server.restart();
    await send(server.client, 'a1');
    await until(() => expect(one.accepted.has('a1')).toBe(true));
    await server.server.stop();
    await one[Symbol.asyncDispose]();
  });

  test('that lost a reply on its way: the entries are asked for again, not only after a minute', async () => {
    await using server = await testRedis();
    await using one = new Intake({ url: server.url });
    await until(() => expect(one.consumer.isReading).toBe(true));
    // As if delivered to us in a reply that never came.
    const id = '99999999999999-1';
    await server.client
      .multi()
      .xadd('taskiq', id, 'data', messageData('lost'))
      .call('XGROUP', 'SETID', 'taskiq', 'taskiq', id)
      .call('XCLAIM', 'taskiq', 'taskiq', one.consumer.name, 0, id, 'FORCE')
      .exec();
    await server.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(() => expect(one.accepted.has('lost')).toBe(true));
  });
});
