import type { Calendar } from '../../../lib/calendar.ts';
import { days, hours, minutes } from '../../../lib/duration.ts';
import { type DeliveryEnd, type DeliveryTotals, deliveriesIn, deliveryEndOf } from '../../../lib/figure-definitions.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** What became of the messages of one minute; retries count when they end. */
export type DeliveryMinute = { minute: Date } & DeliveryTotals;

/** The same of one hour. */
export type DeliveryHour = { hour: Date } & DeliveryTotals;

const TTL_MS = hours(2);
/** The console shows a week. */
const HOUR_TTL_MS = days(8);
/** One past the days whose reports may still be made up for. */
const DIRECT_TTL_MS = days(9);
const WRITE_EVERY_MS = 1_000;

type Waiting = { minute: Map<DeliveryEnd, number>; direct: Map<string, number> };
const nothing = (): Waiting => ({ minute: new Map(), direct: new Map() });

/**
 * Deliveries over all workers: by minute and by hour for the console, and by day those that have no row in `notification_queue`, which the day's figures
 * add to the rows. Written once a second and nobody waits for it: losing it loses no work.
 */
export class DeliveryCounts implements AsyncDisposable {
  readonly #redis: RedisClient;
  readonly #clock: () => Date;
  readonly #onError: (error: unknown) => void;
  readonly #calendar: Calendar;
  #waiting = nothing();
  #timer: NodeJS.Timeout | undefined;

  /** `clock` is the time that all workers share, `calendar` says which day it is of. */
  constructor(
    redis: RedisClient,
    { calendar, clock, onError }: { calendar: Calendar; clock: () => Date; onError: (error: unknown) => void },
  ) {
    this.#redis = redis;
    this.#clock = clock;
    this.#onError = onError;
    this.#calendar = calendar;
  }

  /** Of a notification's status: `sent`, `retry`, or why it was given up. `isDirect`: it has no row. */
  note(status: string, isDirect: boolean): void {
    const end = deliveryEndOf(status);
    if (!end) return;
    countUp(this.#waiting.minute, end);
    if (isDirect) countUp(this.#waiting.direct, status);
    this.#timer ??= setTimeout(() => void this.#write(), WRITE_EVERY_MS).unref();
  }

  /** The last minutes, oldest first, the present one included; nothing is known of a minute before the first worker. */
  async latest(count: number, now: Date): Promise<DeliveryMinute[]> {
    const present = minuteOf(now);
    const all = Array.from({ length: count }, (_, i) => new Date(present.getTime() - minutes(count - 1 - i)));
    const found = await Promise.all(all.map((minute) => this.#totals(keys.deliveries(minute.toISOString()))));
    return all.map((minute, i) => ({ minute, ...found[i]! }));
  }

  /** The last hours, oldest first, the present one included. */
  async latestHours(count: number, now: Date): Promise<DeliveryHour[]> {
    const present = hourOf(now);
    const all = Array.from({ length: count }, (_, i) => new Date(present.getTime() - hours(count - 1 - i)));
    const found = await Promise.all(all.map((hour) => this.#totals(keys.deliveryHour(hour.toISOString()))));
    return all.map((hour, i) => ({ hour, ...found[i]! }));
  }

  /** By status, on a day: messages that were sent at once and never had a row. */
  async direct(date: string): Promise<Record<string, number>> {
    const fields = await this.#redis.hgetall(keys.directDeliveries(date));
    return { ...numbersIn(fields), ...(fields.sent !== undefined && { sent: Number(fields.sent) }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    const { direct, minute } = this.#waiting;
    this.#waiting = nothing();
    const now = this.#clock();
    await Promise.all([
      this.#add(keys.deliveries(minuteOf(now).toISOString()), minute, TTL_MS),
      this.#add(keys.deliveryHour(hourOf(now).toISOString()), minute, HOUR_TTL_MS),
      this.#add(keys.directDeliveries(this.#calendar.dayOf(now)), direct, DIRECT_TTL_MS),
    ]).catch(this.#onError);
  }

  async #totals(key: string): Promise<DeliveryTotals> {
    const fields = await this.#redis.hgetall(key);
    return deliveriesIn(Number(fields.sent ?? 0), numbersIn(fields));
  }

  async #add(key: string, counts: ReadonlyMap<string, number>, ttlMs: number): Promise<void> {
    if (counts.size === 0) return;
    await Promise.all([
      ...[...counts].map(([field, n]) => this.#redis.hincrby(key, field, n)),
      this.#redis.pexpire(key, ttlMs),
    ]);
  }
}

function countUp<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** All but those that were sent. */
const numbersIn = ({ sent: _, ...fields }: Readonly<Record<string, string>>): Record<string, number> =>
  Object.fromEntries(Object.entries(fields).map(([field, n]) => [field, Number(n)]));

const hourOf = (time: Date): Date => new Date(Math.floor(time.getTime() / hours(1)) * hours(1));
const minuteOf = (time: Date): Date => new Date(Math.floor(time.getTime() / minutes(1)) * minutes(1));
