import { Redis } from 'ioredis';
import { type LocalRedis, type RedisOptions, startRedis } from './servers/redis.ts';

/** A Redis server that one test file has to itself. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  readonly client: Redis;
  /** The server, for tests that stop, kill or pause it. */
  readonly server: LocalRedis;
}

/**
 * Starts a fresh Redis for the test file in less than a tenth of a second. Unlike a numbered database of a shared server, it also separates
 * pub/sub channels, scripts, settings and the effects of killing it.
 */
export async function testRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const server = await startRedis(options);
  const client = new Redis(server.url, { maxRetriesPerRequest: null });
  return {
    url: server.url,
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** How many commands the server has refused so far because of the user's rights. */
export async function refusalsOf({ client }: Pick<TestRedis, 'client'>): Promise<number> {
  return Number(/^errorstat_NOPERM:count=(\d+)/m.exec(await client.info('errorstats'))?.[1] ?? 0);
}
