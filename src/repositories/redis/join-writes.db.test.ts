import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type TestRedis, testRedis } from '../../testing/redis.ts';
import { connectRedis } from './connection.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

async function reads(): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await redis.client.info('stats'))![1]);
}

test('commands of one turn of the loop reach Redis together, eight at a time, each with its own answer', async () => {
  const client = connectRedis({ url: redis.url, name: 'test', whenDown: 'wait', onError: () => undefined });
  onTestFinished(() => client.disconnect());
  await client.set('text', 'x');
  const before = await reads();
  const answers = await Promise.allSettled([
    ...Array.from({ length: 15 }, (_, i) => client.set(`key:${i}`, i)),
    client.incr('text'),
  ]);
  // Two of 8, and the question itself.
  expect((await reads()) - before).toBeLessThanOrEqual(3);
  expect(answers.slice(0, 15).every(({ status }) => status === 'fulfilled')).toBe(true);
  expect(answers[15]).toMatchObject({
    status: 'rejected',
    reason: { message: expect.stringContaining('not an integer') },
  });
  expect(await client.get('key:14')).toBe('14');
});

test('a connection that was lost joins commands again', async () => {
  const client = connectRedis({ url: redis.url, name: 'test', whenDown: 'wait', onError: () => undefined });
  onTestFinished(() => client.disconnect());
  await client.set('key', '1');
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  expect(await client.get('key')).toBe('1');
  const before = await reads();
  await Promise.all(Array.from({ length: 8 }, () => client.get('key')));
  expect((await reads()) - before).toBeLessThanOrEqual(2);
});
