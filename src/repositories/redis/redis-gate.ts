import { randomUUID } from 'node:crypto';
import { seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/**
 * KEYS: places in use (score = end of the lease), processes that wait (score = since when).
 * ARGV: limit, lease ms, member, process, patience ms, forget-a-waiter ms.
 * A process that has waited longer than the patience has a free place kept for it, so that a busy process, which takes each of its own
 * places again at once, starves no other. All times are from the clock of Redis.
 */
const ENTER = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[6])
local since = redis.call('ZSCORE', KEYS[2], ARGV[4])
local older = now - ARGV[5]
if since and tonumber(since) <= older then older = '(' .. since end
local ahead = redis.call('ZCOUNT', KEYS[2], '-inf', older)
if redis.call('ZCARD', KEYS[1]) + ahead < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('ZREM', KEYS[2], ARGV[4])
  return 1
end
redis.call('ZADD', KEYS[2], 'NX', now, ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 0`;

/** KEYS: places in use. ARGV: lease ms, members. A place that was lost (Redis emptied) is added again, because it is in use. */
const RENEW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])`;

/** A waiting process that no local release wakes asks again after 10 to 30 ms. The spread keeps processes apart. */
const LOOK_AGAIN_MS = 10;

/** A process that has waited this long has the next place kept for it. */
const PATIENCE_MS = 100;

/**
 * A freed place goes to the next waiter in the same process, without a call to Redis, until it has been held for this long. Then it is
 * given back, so that another process waits no longer than that.
 */
const HAND_OVER_MS = 100;

/** Redis forgets a killed waiter after this time; a live one only loses its seniority. */
const FORGET_WAITER_MS = seconds(2);

/** After a failure, Redis is not asked again for this time, so that no call waits for the time limit twice. */
const ASK_REDIS_AGAIN_MS = seconds(2);

/** A caller in this process that waits for a place. */
type Waiter = { admit(member: string): void };

export type RedisGateOptions = {
  /** A connection whose commands fail within seconds when Redis is down (`whenDown: 'fail'`). */
  redis: RedisClient;
  resource: string;
  /** The number of places over all processes; while Redis is down, of this process. */
  limit: number;
  /** A place of a killed process is free again after this long; live ones renew it three times as often. */
  leaseMs?: number;
  /** Called once when Redis begins to fail. The gate then applies the limit to this process alone. */
  onFallback?(error: unknown): void;
  /** Called with the time that one `acquire` waited. */
  onAcquired?(waitedSeconds: number): void;
};

/**
 * Limits how many callers over all processes use a resource at once. Within a process the order is first come, first served; no process
 * waits much longer than the others. While Redis is down the limit holds per process, because a resource that works must not stop with our
 * bookkeeping. It is a `Gate` for `ClientPolicy`.
 */
export class RedisGate {
  readonly #options: RedisGateOptions;
  readonly #leaseMs: number;
  readonly #process = randomUUID();
  /** The places of this process, each with the moment at which it was taken. */
  readonly #held = new Map<string, number>();
  readonly #waiting: Waiter[] = [];
  #isAsking = false;
  /** Whether Redis lists this process as waiting. */
  #isListed = false;
  #count = 0;
  #freed = Promise.withResolvers<void>();
  #renewal: NodeJS.Timeout | undefined;
  #redisDownUntil: number | undefined;

  constructor(options: RedisGateOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? seconds(10);
  }

  /** Waits for a place and returns its release, which may be called twice. Rejects only with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<() => Promise<void>> {
    const startedAt = performance.now();
    signal.throwIfAborted();
    const { promise: admitted, resolve: admit, reject } = Promise.withResolvers<string>();
    const waiter: Waiter = { admit };
    const leave = (): void => {
      const place = this.#waiting.indexOf(waiter);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      reject(signal.reason);
    };
    this.#waiting.push(waiter);
    signal.addEventListener('abort', leave, { once: true });
    void this.#askForAll();
    const member = await admitted.finally(() => signal.removeEventListener('abort', leave));
    this.#options.onAcquired?.((performance.now() - startedAt) / 1000);
    let isFreed = false;
    return async () => {
      if (isFreed) return;
      isFreed = true;
      this.#free(member);
    };
  }

  /** Asks Redis for places until no caller here waits. */
  async #askForAll(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const missing = Math.min(this.#waiting.length, this.#options.limit - this.#held.size);
      const members = Array.from({ length: Math.max(1, missing) }, () => `${this.#process}:${this.#count++}`);
      const entered = await Promise.all(members.map((member) => this.#enter(member)));
      let found = 0;
      for (const [i, member] of members.entries()) {
        const isFull = this.#redisDownUntil !== undefined && this.#held.size >= this.#options.limit;
        if (!entered[i] || isFull) continue;
        found += 1;
        this.#held.set(member, performance.now());
        this.#renewal ??= setInterval(() => this.#renew(), this.#leaseMs / 3).unref();
        this.#pass(member);
      }
      if (found === 0 && this.#waiting.length > 0) await this.#pause();
    }
    this.#isAsking = false;
  }

  async #enter(member: string): Promise<boolean> {
    const { redis, limit, resource } = this.#options;
    if (this.#redisDownUntil !== undefined && performance.now() < this.#redisDownUntil) return this.#held.size < limit;
    const args = [limit, this.#leaseMs, member, this.#process, PATIENCE_MS, FORGET_WAITER_MS];
    try {
      const entered = await redis.eval(ENTER, 2, keys.gate(resource), keys.gateWaiting(resource), ...args);
      this.#redisDownUntil = undefined;
      this.#isListed = entered !== 1;
      return entered === 1;
    } catch (error) {
      if (this.#redisDownUntil === undefined) this.#options.onFallback?.(error);
      this.#redisDownUntil = performance.now() + ASK_REDIS_AGAIN_MS;
      return this.#held.size < limit;
    }
  }

  async #pause(): Promise<void> {
    const { promise: later, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LOOK_AGAIN_MS * (1 + 2 * Math.random()));
    await Promise.race([later, this.#freed.promise]);
    clearTimeout(timer);
  }

  #free(member: string): void {
    const tookAt = this.#held.get(member) ?? 0;
    const isYoung = performance.now() - tookAt < HAND_OVER_MS;
    if (isYoung && this.#waiting.length > 0) this.#pass(member);
    else this.#giveBack(member);
  }

  /** Passes a place to the first waiter here, or gives it back. */
  #pass(member: string): void {
    const next = this.#waiting.shift();
    if (next) next.admit(member);
    else this.#giveBack(member);
    if (this.#waiting.length > 0 || !this.#isListed) return;
    // No caller here waits any more, so no place must be kept for this process.
    this.#isListed = false;
    this.#options.redis.zrem(keys.gateWaiting(this.#options.resource), this.#process).catch(() => {});
  }

  /** Does not wait for Redis. If the command is lost, the lease ends the place. */
  #giveBack(member: string): void {
    this.#held.delete(member);
    this.#options.redis.zrem(keys.gate(this.#options.resource), member).catch(() => {});
    if (this.#held.size === 0) {
      clearInterval(this.#renewal);
      this.#renewal = undefined;
    }
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  #renew(): void {
    const { redis, resource } = this.#options;
    redis.eval(RENEW, 1, keys.gate(resource), this.#leaseMs, ...this.#held.keys()).catch(() => {});
  }
}
