import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { seconds } from '../lib/duration.ts';
import { startRedis } from '../testing/servers/redis.ts';
import { TcpProxy } from '../testing/servers/tcp-proxy.ts';
import { openDatabase } from './database.ts';
import { connectRedis } from './redis/connection.ts';

const stack = new AsyncDisposableStack();
let postgresUrl: string;
let redisUrl: string;
let postgres: TcpProxy;
let redis: TcpProxy;
beforeAll(async () => {
  const server = stack.use(await startRedis());
  redis = stack.use(await TcpProxy.start(server.port));
  redisUrl = `redis://127.0.0.1:${redis.port}`;
  const url = new URL(inject('databaseAdminUrl'));
  postgres = stack.use(await TcpProxy.start(Number(url.port)));
  url.port = String(postgres.port);
  postgresUrl = url.href;
});
afterAll(() => stack.disposeAsync());

test('a database connection that is open but silent is given up, and the next statement has another', async () => {
  const database = openDatabase({ url: postgresUrl, poolSize: 1, silenceMs: seconds(1), onIdleError: () => undefined });
  await sql`select 1`.execute(database);
  expect(postgres.silence()).toBe(1);

  await expect(sql`select 2`.execute(database)).rejects.toThrow('no answer within 1000 ms');
  const { rows } = await sql<{ three: number }>`select 3 as three`.execute(database);
  expect(rows).toEqual([{ three: 3 }]);
  await database.destroy();
});

test('a Redis connection that is open but silent is replaced, so that what is asked after it is answered', async () => {
  const client = connectRedis({
    url: redisUrl,
    name: 'test',
    whenDown: 'fail',
    silenceMs: 500,
    onError: () => undefined,
  });
  expect(await client.ping()).toBe('PONG');
  redis.silence();

  expect(await client.ping().catch(() => client.ping())).toBe('PONG');
  client.disconnect();
});
