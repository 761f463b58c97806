import { z } from 'zod';
import { minutes } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readNamed, storedNumber, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** The memory use of one worker process. Processes of one machine or container share its limit. */
export type MemoryUse = {
  host: string;
  pid: number;
  rssBytes: number;
  /** The limit of the container; absent where it has none. */
  limitBytes?: number | undefined;
  heapUsedBytes: number;
  /** The heap size at which V8 ends the process. */
  heapLimitBytes: number;
  at: Date;
};

/** What the running processes use, and the hosts of those whose report cannot be read: what these use is not known. */
export type MemoryUses = { uses: MemoryUse[]; unknownHosts: ReadonlySet<string> };

const Stored = z
  .object({
    rss: storedNumber,
    limit: storedNumber.optional(),
    heap_used: storedNumber,
    heap_limit: storedNumber,
    at: storedTime,
  })
  .transform(({ heap_limit: heapLimitBytes, heap_used: heapUsedBytes, limit: limitBytes, rss: rssBytes, at }) => ({
    ...{ rssBytes, limitBytes, heapUsedBytes, heapLimitBytes, at },
  }));

/** A process that has not reported for this long is gone. */
const FRESH_MS = minutes(2);

/** The memory use of every running process. */
export class MemoryReports {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  async save({ at, heapLimitBytes, heapUsedBytes, host, limitBytes, pid, rssBytes }: MemoryUse): Promise<void> {
    const stored = { rss: rssBytes, limit: limitBytes, heap_used: heapUsedBytes, heap_limit: heapLimitBytes, at };
    await this.#redis.hset(keys.processMemory(), `${host} ${pid}`, JSON.stringify(stored));
    await this.#redis.pexpire(keys.processMemory(), FRESH_MS * 5);
  }

  /** The reports of the running processes; the others are deleted, but for those that cannot be read. */
  async all(now: Date): Promise<MemoryUses> {
    const found = Object.entries(await this.#redis.hgetall(keys.processMemory()));
    const { holes, items } = readNamed(found, { source: 'memory_reports', entry: Stored }, this.#onRead);
    const isFresh = ({ at }: Pick<MemoryUse, 'at'>): boolean => now.getTime() - at.getTime() < FRESH_MS;
    const gone = items.flatMap(([process, use]) => (isFresh(use) ? [] : [process]));
    if (gone.length > 0) await this.#redis.hdel(keys.processMemory(), ...gone);
    const uses = items.flatMap(([process, use]) => (isFresh(use) ? [{ ...placeOf(process), ...use }] : []));
    return { uses, unknownHosts: new Set(holes.map(({ ids }) => placeOf(ids.name ?? '').host)) };
  }
}

function placeOf(process: string): Pick<MemoryUse, 'host' | 'pid'> {
  const [host = '', pid = ''] = process.split(' ');
  return { host, pid: Number(pid) };
}
