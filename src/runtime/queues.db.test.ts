import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis } from '../repositories/redis/connection.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { TcpProxy } from '../testing/servers/tcp-proxy.ts';
import { Queues } from './queues.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

test('a process whose Redis goes away in the very moment of its first connection adds jobs once it is back', async () => {
  await using proxy = await TcpProxy.start(redis.server.port);
  const url = `redis://127.0.0.1:${proxy.port}`;
  const connection = connectRedis({ url, name: 'producer', whenDown: 'fail', onError: () => undefined });
  // BullMQ asks its first question right after this.
  const pulled = new Promise<void>((resolve) =>
    connection.once('ready', () => {
      proxy.pull();
      resolve();
    }),
  );
  await using queues = new Queues(connection, () => undefined);
  await pulled;
  await queues.ready().catch(() => undefined);
  proxy.plug();
  await expect.poll(() => queues.ready().then(() => 'ready', String), { timeout: 10_000 }).toBe('ready');
  for (const [, queue] of queues.entries()) expect((await queue.add('any', { payload: {} } as never)).id).toBeDefined();
  connection.disconnect();
});
