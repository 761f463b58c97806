import { z } from 'zod';
import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

const epochMs = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform((ms) => new Date(Number(ms)));
const Standstill = z.object({ from: epochMs, until: epochMs });

/** A time without any worker. */
export type Standstill = Readonly<z.output<typeof Standstill>>;

/** Without a word for so long, no worker was there: six times what passes between two words of one worker. */
const STANDSTILL_MS = minutes(3);

/** KEYS: the times. ARGV: now in milliseconds, and what is a standstill. One step, so that of two workers that begin one notes it. */
const BEAT = `
local now = tonumber(ARGV[1])
local seen = tonumber(string.match(redis.call('HGET', KEYS[1], 'seen') or '', '^%d+$') or '') or now
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

  /** Undefined where none is known: there was none since Redis was emptied, or its times are no times. */
  async lastStandstill(): Promise<Standstill | undefined> {
    const [from, until] = await this.#redis.hmget(keys.workerTimes(), 'from', 'until');
    const { data } = Standstill.safeParse({ from, until });
    return data;
  }
}
