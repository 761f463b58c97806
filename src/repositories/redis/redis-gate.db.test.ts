import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LocalRedis, startRedis } from '../../testing/servers/redis.ts';
import { keys } from './keys.ts';
import { RedisGate, type RedisGateOptions } from './redis-gate.ts';

const never = new AbortController().signal;

let server: LocalRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = connect();
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

/** Connects as with `whenDown: 'fail'`, with shorter limits. */
function connect(): Redis {
  const client = new Redis(server.url, {
    maxRetriesPerRequest: 1,
    commandTimeout: 500,
    retryStrategy: () => 20,
    enableAutoPipelining: true,
  });
  return client.on('error', () => {});
}

const gate = (options: Partial<RedisGateOptions> & { limit: number }) =>
  new RedisGate({ redis, resource: 'panel', ...options });

/** Runs `calls` calls of a few ms through each gate at once and reports the largest number inside at the same time. */
async function crowd(gates: readonly RedisGate[], calls: number): Promise<{ most: number; order: number[] }> {
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  const call = async (who: number): Promise<void> => {
    const release = await gates[who]!.acquire(never);
    inside += 1;
    most = Math.max(most, inside);
    order.push(who);
    await new Promise((resolve) => setTimeout(resolve, 2));
    inside -= 1;
    await release();
  };
  await Promise.all(gates.flatMap((_, who) => Array.from({ length: calls }, () => call(who))));
  return { most, order };
}

test('never more than the limit are inside, over all processes together', async () => {
  const { most, order } = await crowd([gate({ limit: 4 }), gate({ limit: 4 }), gate({ limit: 4 })], 60);
  expect(most).toBe(4);
  expect(order).toHaveLength(180);
  expect(await redis.zcard(keys.gate('panel'))).toBe(0);
});

test('within a process, first come is first served', async () => {
  const one = gate({ limit: 1 });
  const served: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const release = await one.acquire(never);
      served.push(i);
      await release();
    }),
  );
  expect(served).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('a place goes from one to the next of a process without asking Redis, for as long as nobody elsewhere is passed over', async () => {
  const one = gate({ limit: 2 });
  await redis.config('RESETSTAT');
  const startedAt = performance.now();
  await crowd([one], 40);
  const tookMs = performance.now() - startedAt;
  const [, calls] = /cmdstat_eval:calls=(\d+)/.exec(await redis.info('commandstats')) ?? [];
  // 40 calls of 2 ms in two places take 40 ms, more on a busy machine. Every 10 ms at most, the gate looks for other waiters.
  expect(Number(calls)).toBeLessThan(10 + tookMs / 10);
});

test('a process that takes its own places again at once does not starve another', async () => {
  const busy = gate({ limit: 1 });
  const stop = new AbortController();
  let turns = 0;
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const release = await busy.acquire(never);
      turns += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
      await release();
    }
  };
  const loops = [loop(), loop(), loop()];
  await expect.poll(() => turns).toBeGreaterThan(10);
  const release = await gate({ limit: 1 }).acquire(AbortSignal.timeout(5_000));
  await release();
  stop.abort();
  await Promise.all(loops);
});

test('a place of a killed process is free again when its lease ends', async () => {
  const lease = String(Math.floor(Date.now()) + 300);
  await redis.zadd(keys.gate('panel'), lease, 'killed:0');
  const one = gate({ limit: 1 });
  const startedAt = Date.now();
  const release = await one.acquire(never);
  expect(Date.now() - startedAt).toBeGreaterThan(150);
  await release();
});

test('a place that is held for longer than its lease stays taken', async () => {
  const holder = gate({ limit: 1, leaseMs: 150 });
  const release = await holder.acquire(never);
  const leaseEnd = async () => Number((await redis.zrange(keys.gate('panel'), '0', '0', 'WITHSCORES'))[1]);
  const first = await leaseEnd();
  await expect.poll(leaseEnd).toBeGreaterThan(first + 200);
  await expect(gate({ limit: 1 }).acquire(AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'TimeoutError' });
  await release();
});

test('a place that Redis forgot, emptied by accident, is counted again', async () => {
  const release = await gate({ limit: 1, leaseMs: 150 }).acquire(never);
  await redis.flushall();
  await expect.poll(() => redis.zcard(keys.gate('panel'))).toBe(1);
  await release();
});

test('waiting ends with the reason of the caller, and the next in line goes on', async () => {
  const one = gate({ limit: 1 });
  const release = await one.acquire(never);
  const caller = new AbortController();
  const aborted = Promise.allSettled([one.acquire(caller.signal), one.acquire(caller.signal)]);
  const next = one.acquire(never);
  const reason = new Error('shutting down');
  caller.abort(reason);
  expect(await aborted).toEqual([
    { status: 'rejected', reason },
    { status: 'rejected', reason },
  ]);
  await release();
  await (await next)();
});

test('releasing twice frees one place', async () => {
  const one = gate({ limit: 2 });
  const release = await one.acquire(never);
  const other = await one.acquire(never);
  await release();
  await release();
  expect(await redis.zcard(keys.gate('panel'))).toBe(1);
  await other();
});

test('with Redis down the limit holds for this process, it is said once, and Redis is used again when back', async () => {
  await using own = await startRedis();
  const client = new Redis(own.url, { maxRetriesPerRequest: 1, commandTimeout: 300, retryStrategy: () => 20 });
  client.on('error', () => {});
  const told: unknown[] = [];
  const one = new RedisGate({ redis: client, resource: 'panel', limit: 3, onFallback: (error) => told.push(error) });
  await (await one.acquire(never))();
  await own.kill();
  const { most } = await crowd([one], 20);
  expect(most).toBe(3);
  expect(told).toHaveLength(1);

  await own.restart();
  await expect
    .poll(
      async () => {
        const release = await one.acquire(never);
        const counted = await client.zcard(keys.gate('panel')).catch(() => 0);
        await release();
        return counted;
      },
      { timeout: 10_000 },
    )
    .toBe(1);
  client.disconnect();
});
