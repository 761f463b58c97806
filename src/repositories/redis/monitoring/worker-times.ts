import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** A time without any worker. */
export type Standstill = { readonly from: Date; readonly until: Date };

/** Without a word for so long, no worker was there: six times what passes between two words of one worker. */
const STANDSTILL_MS = minutes(3);

/** KEYS: the times. ARGV: now in milliseconds, and what is a standstill. One step, so that of two workers that begin one notes it. */
const BEAT = `
local seen = tonumber(redis.call('HGET', KEYS[1], 'seen') or ARGV[1])
local now = tonumber(ARGV[1])
if now - seen > tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'from', seen, 'until', ARGV[1]) end
if now >= seen then redis.call('HSET', KEYS[1], 'seen', ARGV[1]) end
return 1`;

/** When a worker was last there, and the last time that none was. By the time that all workers share. */
export class WorkerTimes {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async beat(now: Date): Promise<void> {
    await this.#redis.eval(BEAT, 1, keys.workerTimes(), now.getTime(), STANDSTILL_MS);
  }

  /** Undefined where there was none since Redis was emptied. */
  async lastStandstill(): Promise<Standstill | undefined> {
    const [from, until] = await this.#redis.hmget(keys.workerTimes(), 'from', 'until');
    if (from == null || until == null) return undefined;
    return { from: new Date(Number(from)), until: new Date(Number(until)) };
  }
}
