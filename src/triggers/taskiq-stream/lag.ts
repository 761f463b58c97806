import type { RedisClient } from '../../lib/redis-client.ts';
import { redisTime } from '../../repositories/redis/shared-clock.ts';
import type { Membership } from './group.ts';

/** How far the group is behind. */
export type Lag = {
  /** Entries that nobody in the group has read yet. */
  readonly entries: number;
  /** Entries that were read and not acknowledged. */
  readonly pending: number;
  /** Age of the oldest entry that is not acknowledged, 0 where all are. */
  readonly oldestPendingMs: number;
};

/** Unread entries are counted up to here where Redis cannot say how many there are (before 7.0, or after deletions). */
const COUNTED = 10_000;

/** Asks Redis. Ages are by its clock, which also made the ids. Throws where the group does not exist. */
export async function readLag(
  redis: RedisClient,
  { stream, group }: Pick<Membership, 'stream' | 'group'>,
): Promise<Lag> {
  const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
  const flat = groups.find((one) => one[one.indexOf('name') + 1] === group);
  if (!flat) throw new Error(`NOGROUP the stream ${stream} has no consumer group ${group}`);
  const of = (name: string) => (flat.includes(name) ? flat[flat.indexOf(name) + 1] : null);
  const pending = of('pending') as number;
  const unread = `(${of('last-delivered-id') as string}`;
  const oldest =
    pending > 0
      ? (await redis.xpending(stream, group))[1]
      : (await redis.xrange(stream, unread, '+', 'COUNT', 1))[0]?.[0];
  return {
    entries: (of('lag') as number | null) ?? (await redis.xrange(stream, unread, '+', 'COUNT', COUNTED)).length,
    pending,
    oldestPendingMs: typeof oldest === 'string' ? await ageOf(redis, oldest) : 0,
  };
}

async function ageOf(redis: RedisClient, entryId: string): Promise<number> {
  const now = await redisTime(redis);
  return Math.max(0, now.getTime() - Number(entryId.split('-')[0]));
}
