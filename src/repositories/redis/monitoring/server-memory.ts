import type { Redis } from 'ioredis';
import { PermanentError } from '../../../lib/errors.ts';
import { mastersOf, type RedisClient } from '../../../lib/redis-client.ts';

/** The memory use of Redis, with the evictions and refusals that it has caused. In a cluster, the sum over all masters. */
export type ServerMemory = {
  usedBytes: number;
  /** Absent where Redis has no limit. */
  maxBytes?: number;
  /** Counts since the servers started: keys evicted, and commands refused (`-OOM`), for lack of memory. */
  evictedKeys: number;
  refusedCommands: number;
};

export async function readServerMemory(redis: RedisClient): Promise<ServerMemory> {
  const servers = await Promise.all(mastersOf(redis).map(readOne));
  const sum = (of: (one: Required<ServerMemory>) => number): number => servers.reduce((all, one) => all + of(one), 0);
  const maxBytes = sum((one) => one.maxBytes);
  return {
    usedBytes: sum((one) => one.usedBytes),
    ...(maxBytes > 0 && { maxBytes }),
    evictedKeys: sum((one) => one.evictedKeys),
    refusedCommands: sum((one) => one.refusedCommands),
  };
}

async function readOne(redis: Redis): Promise<Required<ServerMemory>> {
  const [memory, stats, errors] = await Promise.all([
    redis.info('memory'),
    redis.info('stats'),
    redis.info('errorstats'),
  ]);
  if (memory.includes('info_refused'))
    throw new PermanentError('info_refused', 'redis: this user may not ask for INFO, so its memory is not known');
  return {
    usedBytes: field(memory, 'used_memory'),
    maxBytes: field(memory, 'maxmemory'),
    evictedKeys: field(stats, 'evicted_keys'),
    refusedCommands: Number(/^errorstat_OOM:count=(\d+)/m.exec(errors)?.[1] ?? 0),
  };
}

function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
}
