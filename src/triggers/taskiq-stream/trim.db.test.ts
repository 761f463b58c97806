import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { testRedis } from '../../testing/redis.ts';
import { Intake, send } from './intake.fixture.ts';
import { trimAcknowledged } from './trim.ts';

const server = await testRedis();
const redis = server.client;
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => redis.flushall());

describe('the stream does not grow forever', () => {
  test('1,000 messages are handed over and the stream is short again', async () => {
    await using one = new Intake({ url: server.url });
    for (let i = 0; i < 1_000; i += 1) await send(redis, `m${i}`);
    await vi.waitFor(() => expect(one.accepted.size).toBe(1_000));
    await vi.waitFor(async () => expect(await redis.xlen('taskiq')).toBeLessThanOrEqual(1));
  });

  test('also where only Python workers acknowledge', async () => {
    for (let i = 0; i < 10; i += 1) await send(redis, `m${i}`);
    await redis.xgroup('CREATE', 'taskiq', 'taskiq', '$');
    expect(await trimAcknowledged(redis, 'taskiq')).toBe(9);
  });
});

test('nothing unread or unacknowledged of any group is ever trimmed, and all else is', async () => {
  const group = fc.record({ read: fc.nat(12), acknowledged: fc.uniqueArray(fc.nat(11)) });
  await fc.assert(
    fc.asyncProperty(fc.array(group, { maxLength: 3 }), async (groups) => {
      await redis.flushall();
      // Two ids of one millisecond, one with a number beyond 2^53, and a growing number of digits.
      const ids = [
        '8-1',
        '9-9',
        '9-10',
        '10-1',
        '99-9007199254740993',
        '99-9007199254740994',
        '100-1',
        '1000-1',
        '1000-2',
        '1000-20',
        '2000-1',
        '2000-2',
      ];
      for (const id of ids) await redis.xadd('taskiq', id, 'data', 'x');
      const needed = new Set<string>();
      for (const [i, { read, acknowledged }] of groups.entries()) {
        await redis.xgroup('CREATE', 'taskiq', `g${i}`, '0');
        if (read > 0) await redis.xreadgroup('GROUP', `g${i}`, 'c', 'COUNT', read, 'STREAMS', 'taskiq', '>');
        const done = new Set(acknowledged.filter((index) => index < read).map((index) => ids[index]!));
        if (done.size > 0) await redis.xack('taskiq', `g${i}`, ...done);
        for (const id of ids) if (!done.has(id)) needed.add(id);
      }
      await trimAcknowledged(redis, 'taskiq');
      const left = (await redis.xrange('taskiq', '-', '+')).map(([id]) => id);
      const firstNeeded = groups.length === 0 ? 0 : ids.findIndex((id) => needed.has(id));
      const expected = firstNeeded === -1 ? ids.slice(-1) : ids.slice(firstNeeded);
      // Where nothing is pending, the last entry that was read stays.
      expect([expected, ids.slice(Math.max(0, firstNeeded - 1))]).toContainEqual(left);
      for (const id of groups.length === 0 ? ids : needed) expect(left).toContain(id);
    }),
    { numRuns: 60 },
  );
});

test('a stream that does not exist, or has no group, is left alone', async () => {
  expect(await trimAcknowledged(redis, 'taskiq')).toBe(0);
  await send(redis, 'a1');
  expect(await trimAcknowledged(redis, 'taskiq')).toBe(0);
  expect(await redis.xlen('taskiq')).toBe(1);
});
