import { TransientError } from '../../lib/errors.ts';
import { isCluster, mastersOf, type RedisClient } from '../../lib/redis-client.ts';

/**
 * Resolves once Redis has answered. A connection that is lost says so at once, instead of after the time its commands wait for it. Of a
 * cluster every master must answer: with one missing, part of the queues stand still. Throws `TransientError` `redis_unreachable`.
 */
export async function pingRedis(redis: RedisClient): Promise<void> {
  if (redis.status === 'reconnecting') {
    throw new TransientError('redis_unreachable', 'redis: the connection is lost and can not be made again yet');
  }
  await Promise.all([redis.ping(), ...(isCluster(redis) ? mastersOf(redis).map((master) => master.ping()) : [])]);
}
