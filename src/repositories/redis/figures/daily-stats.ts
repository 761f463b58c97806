import { z } from 'zod';
import { days, seconds } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readEntry } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** Days are kept for 90 days: docs/figures.md. */
const DAILY_TTL_MS = days(90);
const REALTIME_TTL_MS = seconds(120);

/** Records of other writers under the same names lack the version of the layout. */
const foreign = z.looseObject({ schema: z.undefined().optional() });

/** The figures of each UTC day, kept for 90 days. */
export class DailyStats<Figures extends { date: string }> {
  readonly #redis: RedisClient;
  readonly #days: JsonEntries<Figures>;
  readonly #onRead: OnRead | undefined;

  /** `figures` reads a day as it was saved. */
  constructor(redis: RedisClient, figures: z.ZodType<Figures>, onRead?: OnRead) {
    this.#redis = redis;
    this.#days = { source: 'daily_stats', entry: figures, foreign };
    this.#onRead = onRead;
  }

  async save(figures: Figures): Promise<void> {
    await this.#redis.set(keys.dailyStats(figures.date), JSON.stringify(figures), 'PX', DAILY_TTL_MS);
  }

  /** Undefined where the day is not known: it was not worked out, or its figures cannot be read, which is said. */
  async find(date: string): Promise<Figures | undefined> {
    const key = keys.dailyStats(date);
    const text = await this.#redis.get(key);
    return text === null ? undefined : readEntry(key, text, this.#days, this.#onRead);
  }

  /** The figures of these days, by date; days without figures are absent. */
  async many(dates: readonly string[]): Promise<ReadonlyMap<string, Figures>> {
    const found = await Promise.all(dates.map((date) => this.find(date)));
    return new Map(found.flatMap((figures) => (figures ? [[figures.date, figures]] : [])));
  }
}

/** The present figures for the dashboard, kept for two minutes. */
export class RealtimeRecord {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save(record: object): Promise<void> {
    await this.#redis.set(keys.realtime(), JSON.stringify(record), 'PX', REALTIME_TTL_MS);
  }
}
