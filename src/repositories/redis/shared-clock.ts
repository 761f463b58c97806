import { minutes, seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';

/** Often enough that the drift of a quartz clock does not matter. */
const ASK_EVERY_MS = minutes(1);
/** A slower answer says too little about the present, because the process may have stood still in between. */
const SLOW_MS = seconds(1);

/** The time by the clock of Redis. Rejects when Redis does not answer. */
export async function redisTime(redis: Pick<RedisClient, 'time'>): Promise<Date> {
  const [second, microsecond] = await redis.time();
  return new Date(Number(second) * 1000 + Number(microsecond) / 1000);
}

/**
 * The time by the clock of Redis, the same for all workers, so that a worker whose clock is wrong does not remind, renew or disable anybody
 * too early. It asks Redis every minute and after each reconnect; in between it follows the monotonic clock, which nobody can set. Until
 * Redis has answered once, it is the machine's own time.
 */
export class SharedClock implements Disposable {
  readonly #redis: RedisClient;
  readonly #timer: NodeJS.Timeout;
  readonly #ask = (): void => void this.ask();
  /** The time of Redis when `performance.now()` was 0, in milliseconds since 1970. */
  #origin: number | undefined;

  /** Runs until disposed. */
  constructor(redis: RedisClient) {
    this.#redis = redis;
    this.#timer = setInterval(this.#ask, ASK_EVERY_MS).unref();
    redis.on('ready', this.#ask);
  }

  now(): Date {
    return new Date(this.#origin === undefined ? Date.now() : this.#origin + performance.now());
  }

  /** Sets the clock anew. Never rejects: when Redis answers slowly or not at all, the clock goes on unchanged. */
  async ask(): Promise<void> {
    const askedAt = performance.now();
    const time = await redisTime(this.#redis).catch(() => undefined);
    const answeredAt = performance.now();
    if (time === undefined || answeredAt - askedAt > SLOW_MS) return;
    // Redis read its clock at some moment between the question and the answer.
    this.#origin = time.getTime() - (askedAt + answeredAt) / 2;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#redis.off('ready', this.#ask);
  }
}
