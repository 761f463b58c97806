import { seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { isCluster, mastersOf, type RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

const KEPT_MS = seconds(10);

/**
 * Resolves once Redis has taken a write: one that is full, read-only, or refuses this user, still answers a PING. A lost connection
 * fails at once, without waiting for the time limit of its commands. In a cluster every master must answer, because with one missing a part
 * of the queues stands still. Throws `TransientError` `redis_unreachable`, or the reply of Redis.
 */
export async function probeRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'reconnecting') {
    throw new TransientError('redis_unreachable', 'redis: the connection is lost and cannot be made again yet');
  }
  await Promise.all([
    redis.set(keys.probe(), '1', 'PX', KEPT_MS),
    ...(isCluster(redis) ? mastersOf(redis).map((master) => master.ping()) : []),
  ]);
}
