import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Takes or renews. KEYS: the poller. ARGV: the process, milliseconds. */
const HOLD = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS: the poller. ARGV: the process. */
const LET_GO = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/**
 * One step, so that an update is taken once: by the process that holds the lease, and only after all that were taken before. KEYS: the poller, the
 * highest update. ARGV: the process, the update, how long it is kept. Telegram counts updates upwards, and begins anew after a week without any.
 */
const TAKE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
local last = tonumber(redis.call('GET', KEYS[2]) or '')
if last and tonumber(ARGV[2]) <= last then return 'taken' end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 'mine'`;

/** Telegram keeps what was not fetched for a day, and may count from anywhere after a week. */
const UPDATE_MS = days(6);

/** Which process asks Telegram for the updates of the staff's bot, and which of them were taken. Throws while Redis is away. */
export class StaffPolls {
  readonly #redis: RedisClient;
  /** Names this process. */
  readonly #by: string;

  constructor(redis: RedisClient, by: string) {
    this.#redis = redis;
    this.#by = by;
  }

  /** Takes the lease, or renews it, for `leaseMs`. False where another process has it. */
  async hold(leaseMs: number): Promise<boolean> {
    return (await this.#redis.eval(HOLD, 1, keys.staffPoller(), this.#by, leaseMs)) === 1;
  }

  async letGo(): Promise<void> {
    await this.#redis.eval(LET_GO, 1, keys.staffPoller(), this.#by);
  }

  /** `mine`: this process must handle it, and nobody else will. `taken`: it was handled before. `lost`: the lease is another's. */
  async take(update: number): Promise<'mine' | 'taken' | 'lost'> {
    const names = [keys.staffPoller(), keys.staffUpdate()];
    return (await this.#redis.eval(TAKE, 2, ...names, this.#by, update, UPDATE_MS)) as 'mine' | 'taken' | 'lost';
  }

  /** The update after the last that was taken; 0 where none was. */
  async next(): Promise<number> {
    const last = Number(await this.#redis.get(keys.staffUpdate()));
    return Number.isSafeInteger(last) && last > 0 ? last + 1 : 0;
  }
}
