import { TransientError } from '../../lib/errors.ts';
import { isCluster, mastersOf, type RedisClient } from '../../lib/redis-client.ts';

/**
 * Resolves once Redis has answered. A lost connection fails at once, without waiting for the time limit of its commands. In a cluster every
 * master must answer, because with one missing a part of the queues stands still. Throws `TransientError` `redis_unreachable`.
 */
export async function pingRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'reconnecting') {
    throw new TransientError('redis_unreachable', 'redis: the connection is lost and can not be made again yet');
  }
  await Promise.all([redis.ping(), ...(isCluster(redis) ? mastersOf(redis).map((master) => master.ping()) : [])]);
}
