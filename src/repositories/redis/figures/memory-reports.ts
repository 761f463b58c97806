import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
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

type Stored = { rss: number; limit?: number; heap_used: number; heap_limit: number; at: string };

/** A process that has not reported for this long is gone. */
const FRESH_MS = minutes(2);

/** The memory use of every running process. */
export class MemoryReports {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save({ at, heapLimitBytes, heapUsedBytes, host, limitBytes, pid, rssBytes }: MemoryUse): Promise<void> {
    const stored = { rss: rssBytes, limit: limitBytes, heap_used: heapUsedBytes, heap_limit: heapLimitBytes, at };
    await this.#redis.hset(keys.processMemory(), `${host} ${pid}`, JSON.stringify(stored));
    await this.#redis.pexpire(keys.processMemory(), FRESH_MS * 5);
  }

  /** The reports of the running processes; the others are deleted. */
  async all(now: Date): Promise<MemoryUse[]> {
    const all = Object.entries(await this.#redis.hgetall(keys.processMemory())).map(([field, text]): MemoryUse => {
      const { at, heap_limit, heap_used, limit, rss } = JSON.parse(text) as Stored;
      const [host = '', pid = ''] = field.split(' ');
      const use = { rssBytes: rss, limitBytes: limit, heapUsedBytes: heap_used, heapLimitBytes: heap_limit };
      return { host, pid: Number(pid), ...use, at: new Date(at) };
    });
    const isFresh = ({ at }: MemoryUse): boolean => now.getTime() - at.getTime() < FRESH_MS;
    const gone = all.filter((use) => !isFresh(use)).map(({ host, pid }) => `${host} ${pid}`);
    if (gone.length > 0) await this.#redis.hdel(keys.processMemory(), ...gone);
    return all.filter(isFresh);
  }
}
