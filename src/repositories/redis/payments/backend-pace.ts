import { minutes, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/**
 * Gives the turn to the caller when it is free and the caller's place has come, else says how long to wait and keeps a place.
 * KEYS: moment from which the next turn is free, moment until which there is a pause, places (score = moment).
 * ARGV in milliseconds: time between two turns, longest wait for which a place is kept, the caller, how long a place is kept for one that
 * does not come. Those whose place passed during a pause come one after the other, in the order of their places. Where nothing holds the
 * turn, nobody waits behind a place whose caller is late or dead.
 */
const TURN = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local every, horizon, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local free = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(redis.call('GET', KEYS[2]) or 0))
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[4])
local kept = redis.call('ZSCORE', KEYS[3], id)
local place = free
if kept then
  place = tonumber(kept)
else
  local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
  if last then place = math.max(free, last + every) end
end
local wait = place - now
if free > now and free > place then wait = free - now + every * redis.call('ZCOUNT', KEYS[3], '-inf', '(' .. place) end
if wait <= 0 then
  redis.call('ZREM', KEYS[3], id)
  redis.call('SET', KEYS[1], string.format('%.0f', now + every), 'PX', math.ceil(every) + 1000)
  return 0
end
if not kept and wait <= horizon then redis.call('ZADD', KEYS[3], string.format('%.0f', place), id) end
redis.call('PEXPIRE', KEYS[3], math.ceil(wait) + ARGV[4])
return math.ceil(wait)`;

/** Begins a pause or makes it longer, never shorter. KEYS: pause. ARGV: milliseconds. */
const PAUSE = `
local t = redis.call('TIME')
local till = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[1]
if till > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', math.ceil(ARGV[1]))
end`;

/** The place of a payment that nobody comes for any more is free again after this time. */
const KEPT_MS = minutes(2);

/** A longer `Retry-After` is not believed. */
const LONGEST_PAUSE_MS = minutes(60);

export type BackendPaceOptions = {
  /** A connection whose commands fail within seconds when Redis is down (`whenDown: 'fail'`). */
  redis: RedisClient;
  /** The time between two requests over all workers; while Redis is down, of this process. */
  everyMs: number;
  /** Called when Redis fails. */
  onFallback(error: unknown): void;
};

/**
 * How often the backend is told of payments, over all workers, by the clock of Redis. The backend takes 100 requests a minute of one
 * address, and the webhooks of Crypto Pay may come from the same address: at one a second most of them stay free.
 */
export class BackendPace {
  readonly #options: BackendPaceOptions;
  /** By `performance.now()`, for the time in which Redis is away. */
  #freeAt = 0;

  constructor(options: BackendPaceOptions) {
    this.#options = options;
  }

  /**
   * 0: the turn is the caller's, now. Else the milliseconds after which to ask again. A wait up to `horizonMs` keeps a place, so that
   * those who come back find their turn.
   */
  async turn(id: string, horizonMs: number): Promise<number> {
    const { everyMs, onFallback, redis } = this.#options;
    const places = [keys.backendNext(), keys.backendPause(), keys.backendPlaces()];
    try {
      return Number(await redis.eval(TURN, places.length, ...places, everyMs, horizonMs, id, KEPT_MS));
    } catch (error) {
      onFallback(error);
      const now = performance.now();
      if (this.#freeAt > now) return Math.ceil(this.#freeAt - now);
      this.#freeAt = now + everyMs;
      return 0;
    }
  }

  /** Gives up the place of one that needs no turn any more, so that the others do not wait behind it. */
  async leave(id: string): Promise<void> {
    await this.#options.redis.zrem(keys.backendPlaces(), id).catch(this.#options.onFallback);
  }

  /** Holds every worker back for this long; a longer pause that has begun stays. */
  async pause(ms: number): Promise<void> {
    const forMs = Math.min(Math.max(seconds(1), ms), LONGEST_PAUSE_MS);
    this.#freeAt = Math.max(this.#freeAt, performance.now() + forMs);
    await this.#options.redis.eval(PAUSE, 1, keys.backendPause(), forMs).catch(this.#options.onFallback);
  }
}
