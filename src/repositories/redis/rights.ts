import { randomUUID } from 'node:crypto';
import { errorMessage } from '../../lib/errors.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/**
 * The least rights of the worker's user, in the words of `ACL SETUSER`. All keys: a result for a Python producer lies under the bare id of
 * its task. Of the dangerous commands only `CLIENT UNBLOCK`, which ends a read at once when the worker stops; `INFO` is for `doctor` alone
 * and may be left out.
 */
export const LEAST_RIGHTS: readonly string[] = [
  ...['~*', '&cybervpn:*'],
  ...['+@read', '+@write', '+@connection', '+@transaction', '+@scripting', '+@pubsub', '+time', '-@dangerous'],
  ...['+client|unblock', '+info'],
];

/** A right that the user lacks, with the line that grants it. */
export type MissingRight = { what: string; grant: string };

type Attempt = { what: string; right: string; run(redis: RedisClient, key: string): Promise<unknown> };

/** One harmless call of each kind that the worker, BullMQ and the intake make. */
const ATTEMPTS: readonly Attempt[] = [
  { what: 'write a key', right: '+@write', run: (redis, key) => redis.set(key, '1', 'PX', 10_000) },
  { what: 'read a key', right: '+@read', run: (redis, key) => redis.get(key) },
  { what: 'run a script', right: '+@scripting', run: (redis, key) => redis.eval('return 1', 1, key) },
  { what: 'wait for a job', right: '+@write', run: (redis, key) => redis.bzpopmin(`${key}:none`, 0.01) },
  { what: 'add to a stream', right: '+@write', run: (redis, key) => redis.xadd(`${key}:s`, '*', 'a', '1') },
  { what: 'read a stream', right: '+@read', run: (redis, key) => redis.xrange(`${key}:s`, '-', '+') },
  { what: 'remove a key', right: '+@write', run: (redis, key) => redis.del(`${key}:s`) },
  { what: 'publish on its channels', right: '+@pubsub &cybervpn:*', run: (redis, key) => redis.publish(key, '') },
  { what: 'group commands', right: '+@transaction', run: (redis, key) => redis.multi().get(key).exec() },
  { what: 'ask for the time', right: '+time', run: (redis) => redis.time() },
  { what: 'find stale keys', right: '+@read', run: (redis) => redis.scan('0', 'COUNT', 1) },
  { what: 'end a waiting read', right: '+client|unblock', run: (redis) => redis.client('UNBLOCK', 0) },
];

/** Tries every kind of command. Rejects with what is not a missing right: Redis is away, or full. */
export async function missingRights(redis: RedisClient, user: string): Promise<MissingRight[]> {
  const key = keys.cache(`doctor:${randomUUID()}`);
  const missing: MissingRight[] = [];
  for (const { right, run, what } of ATTEMPTS) {
    try {
      await run(redis, key);
    } catch (error) {
      if (!errorMessage(error).includes('NOPERM')) throw error;
      missing.push({ what, grant: `ACL SETUSER ${user} ${right}` });
    }
  }
  return missing;
}
