import { minutes, seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';

/** Far more often than quartz drifts by anything that matters. */
const ASK_EVERY_MS = minutes(1);
/** What took longer to answer says too little about now: the process may have stood still in between. */
const SLOW_MS = seconds(1);

/** What time it is for Redis. Rejects where it does not answer. */
export async function redisTime(redis: Pick<RedisClient, 'time'>): Promise<Date> {
  const [second, microsecond] = await redis.time();
  return new Date(Number(second) * 1000 + Number(microsecond) / 1000);
}

/**
 * The time as Redis has it: the same for all workers, so that one whose own clock is set wrong reminds, renews and turns off nobody too
 * early. Redis is asked every minute and whenever it is back; in between the monotonic clock goes on, which nobody can set. Until Redis
 * has answered once, the machine's own time.
 */
export class SharedClock implements Disposable {
  readonly #redis: RedisClient;
  readonly #timer: NodeJS.Timeout;
  readonly #ask = (): void => void this.ask();
  /** Redis' time when `performance.now()` was 0, in milliseconds since 1970. */
  #origin: number | undefined;

  /** Goes until disposed. */
  constructor(redis: RedisClient) {
    this.#redis = redis;
    this.#timer = setInterval(this.#ask, ASK_EVERY_MS).unref();
    redis.on('ready', this.#ask);
  }

  now(): Date {
    return new Date(this.#origin === undefined ? Date.now() : this.#origin + performance.now());
  }

  /** Sets the clock anew. Never rejects: where Redis does not answer, or slowly, the clock goes on as it was. */
  async ask(): Promise<void> {
    const askedAt = performance.now();
    const time = await redisTime(this.#redis).catch(() => undefined);
    const answeredAt = performance.now();
    if (time === undefined || answeredAt - askedAt > SLOW_MS) return;
    // Somewhere between the question and the answer.
    this.#origin = time.getTime() - (askedAt + answeredAt) / 2;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#redis.off('ready', this.#ask);
  }
}
