import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { PermanentError } from '../../lib/errors.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { testRedis } from '../../testing/redis.ts';
import { DeadEntries } from './dead-entries.ts';
import type { StreamEntry } from './entry.ts';
import { Intake, messageData } from './intake.fixture.ts';

const server = await testRedis();
const redis = server.client;
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => redis.flushall());

const dead = new DeadEntries({ redis, stream: 'taskiq', group: 'taskiq' });
const about = { reason: 'unknown_task', detail: 'There is none.', taskId: 'a1', taskName: 'nope' };

async function pendingEntry(...fields: readonly (string | Buffer)[]): Promise<StreamEntry> {
  await redis.xgroup('CREATE', 'taskiq', 'taskiq', '0', 'MKSTREAM').catch(() => undefined);
  const id = (await redis.xadd('taskiq', '*', ...fields))!;
  await redis.xreadgroup('GROUP', 'taskiq', 'us', 'STREAMS', 'taskiq', '>');
  return { id, deliveries: 1, fields: fields.map((part) => Buffer.from(part as string)) };
}

describe('a dead entry', () => {
  test('is kept whole, with reason, task, entry and time, and is acknowledged', async () => {
    const entry = await pendingEntry('data', 'x');
    expect(await dead.bury(entry, about, new Date('2026-01-01T00:00:00Z'))).toBe(true);
    const [found] = await dead.list(10);
    expect(found).toEqual({
      id: expect.stringMatching(/^\d+-\d+$/),
      entryId: entry.id,
      ...about,
      deliveries: 1,
      diedAt: new Date('2026-01-01T00:00:00Z'),
      data: Buffer.from('x'),
    });
    expect(await dead.get(found!.id)).toEqual(found);
    expect((await redis.xpending('taskiq', 'taskiq'))[0]).toBe(0);
  });

  test('is buried once, however many workers try', async () => {
    const entry = await pendingEntry('data', 'x');
    const tries = await Promise.all([1, 2, 3].map(() => dead.bury(entry, about, new Date())));
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect(await dead.count()).toBe(1);
  });

  test('that cannot be stored stays pending', async () => {
    await redis.set(keys.taskiqDead(), 'no stream');
    const entry = await pendingEntry('data', 'x');
    await expect(dead.bury(entry, about, new Date())).rejects.toThrow('WRONGTYPE');
    expect((await redis.xpending('taskiq', 'taskiq'))[0]).toBe(1);
  });

  test('of any bytes is replayed byte for byte and gone from the list', async () => {
    const data = Buffer.from([0, 0xff, 0x80, 0x0a, 0x22]);
    const entry = await pendingEntry('data', data);
    await dead.bury({ ...entry, fields: [Buffer.from('data'), data] }, about, new Date());
    const [found] = await dead.list(10);
    await redis.del('taskiq');
    expect(await dead.replay(found!.id)).toBe(true);
    const [replayed] = await redis.xrangeBuffer('taskiq', '-', '+');
    expect(replayed?.[1]).toEqual([Buffer.from('data'), data]);
    expect(await dead.count()).toBe(0);
    expect(await dead.replay(found!.id)).toBe(false);
  });

  test('runs after a fix when it is replayed', async () => {
    let fixed = false;
    await using one = new Intake({
      url: server.url,
      handOver: async () => {
        if (!fixed) throw new PermanentError('payload_invalid', 'n: expected int');
      },
    });
    await redis.xadd('taskiq', '*', 'data', messageData('a1'));
    await vi.waitFor(() => expect(one.dead).toEqual(['payload_invalid']));
    fixed = true;
    const [found] = await dead.list(1);
    await dead.replay(found!.id);
    await vi.waitFor(() => expect(one.accepted.has('a1')).toBe(true));
    expect(await dead.count()).toBe(0);
  });
});

test('the list is read in pages, newest first', async () => {
  for (const n of ['1', '2', '3']) await dead.bury(await pendingEntry('data', n), about, new Date());
  const first = await dead.list(2);
  const second = await dead.list(2, first.at(-1)!.id);
  expect([...first, ...second].map(({ data }) => data.toString())).toEqual(['3', '2', '1']);
});

test.each([
  '',
  '-',
  '+',
  '*',
  '1',
  '1-',
  '../x',
  '1-1 + 2',
  `${'9'.repeat(30)}-1`,
  '18446744073709551616-0',
  '1-99999999999999999999',
])('%j as an id finds nothing', async (id) => {
  await dead.bury(await pendingEntry('data', 'x'), about, new Date());
  expect(await dead.get(id)).toBeUndefined();
  expect(await dead.replay(id)).toBe(false);
});

test('about 10,000 are kept, the oldest go first', async () => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 10_500; i += 1) pipeline.xadd(keys.taskiqDead(), '*', 'data', `${i}`);
  await pipeline.exec();
  await dead.bury(await pendingEntry('data', 'newest'), about, new Date());
  expect(await dead.count()).toBeLessThan(10_200);
  expect((await dead.list(1))[0]!.data.toString()).toBe('newest');
});

test.each([101, 4_500, 50_000])('an entry of %i fields is buried whole, and replayed byte for byte', async (count) => {
  const fields = Array.from({ length: count }, (_, i) => [`field ${i}`, Buffer.from([i % 256, 0, 0xff])]).flat();
  await using one = new Intake({ url: server.url });
  await redis.xadd('taskiq', '*', ...fields);
  await vi.waitFor(() => expect(one.dead).toEqual(['no_data']), { timeout: 10_000 });
  await redis.xadd('taskiq', '*', 'data', messageData('a1'));
  await vi.waitFor(() => expect(one.accepted.has('a1')).toBe(true));
  await vi.waitFor(async () => expect(await redis.xlen('taskiq')).toBeLessThanOrEqual(1));
  await one[Symbol.asyncDispose]();
  await redis.del('taskiq');
  const [found] = await dead.list(10);
  expect(await dead.replay(found!.id)).toBe(true);
  const [replayed] = await redis.xrangeBuffer('taskiq', '-', '+');
  expect(replayed?.[1]).toEqual(fields.map((part) => Buffer.from(part as string)));
  expect(await dead.count()).toBe(0);
});

test('an entry of too many fields is not forwarded: no script takes them', async () => {
  const forward = new Intake({ url: server.url, forwardStream: 'python', handOver: refuseAll });
  await using one = forward;
  const data = messageData('a1');
  await redis.xadd('taskiq', '*', 'data', data, ...Array.from({ length: 4_500 }, (_, i) => [`f${i}`, 'x']).flat());
  await vi.waitFor(() => expect(one.dead).toEqual(['unknown_task']));
  const [found] = await dead.list(1);
  expect(found!.data.toString()).toBe(data);
});

const refuseAll = async (): Promise<void> => {
  throw new PermanentError('unknown_task', 'there is none');
};

test('an entry that somebody else wrote there is listed with the others', async () => {
  await redis.xadd(keys.taskiqDead(), '1-1', 'time', 'yesterday', 'deliveries', 'many', 'packed', 'xy');
  await redis.xadd(keys.taskiqDead(), '18446744073709551610-1', 'foo', 'bar');
  expect(await dead.list(10)).toMatchObject([
    { reason: '', deliveries: 0, diedAt: new Date(0) },
    { id: '1-1', deliveries: 0, diedAt: new Date(1) },
  ]);
});
