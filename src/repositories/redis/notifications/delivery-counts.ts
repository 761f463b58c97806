import { hours, minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** What became of the messages of one minute. `failed`: given up; retries count when they end. */
export type DeliveryMinute = { minute: Date; sent: number; failed: number };

const TTL_MS = hours(2);
const WRITE_EVERY_MS = 1_000;

/** Deliveries by minute over all workers, for the chart. Written once a second and nobody waits for it: losing it loses no work. */
export class DeliveryCounts implements AsyncDisposable {
  readonly #redis: RedisClient;
  readonly #clock: () => Date;
  readonly #onError: (error: unknown) => void;
  #waiting = { sent: 0, failed: 0 };
  #timer: NodeJS.Timeout | undefined;

  /** `clock` is the time that all workers share. */
  constructor(redis: RedisClient, clock: () => Date, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Of a notification's status: `sent`, `retry`, or why it was given up. */
  note(status: string): void {
    if (status === 'retry') return;
    this.#waiting[status === 'sent' ? 'sent' : 'failed'] += 1;
    this.#timer ??= setTimeout(() => void this.#write(), WRITE_EVERY_MS).unref();
  }

  /** The last minutes, oldest first, the present one included; nothing is known of a minute before the first worker. */
  async latest(count: number, now: Date): Promise<DeliveryMinute[]> {
    const present = minuteOf(now);
    const all = Array.from({ length: count }, (_, i) => new Date(present.getTime() - minutes(count - 1 - i)));
    const found = await Promise.all(all.map((minute) => this.#redis.hgetall(keys.deliveries(minute.toISOString()))));
    return all.map((minute, i) => ({
      minute,
      sent: Number(found[i]!.sent ?? 0),
      failed: Number(found[i]!.failed ?? 0),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    const { failed, sent } = this.#waiting;
    this.#waiting = { sent: 0, failed: 0 };
    const key = keys.deliveries(minuteOf(this.#clock()).toISOString());
    await Promise.all([
      sent > 0 && this.#redis.hincrby(key, 'sent', sent),
      failed > 0 && this.#redis.hincrby(key, 'failed', failed),
      sent + failed > 0 && this.#redis.pexpire(key, TTL_MS),
    ]).catch(this.#onError);
  }
}

const minuteOf = (time: Date): Date => new Date(Math.floor(time.getTime() / minutes(1)) * minutes(1));
