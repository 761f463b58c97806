import { days, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Days are kept for 90 days: docs/figures.md. */
const DAILY_TTL_MS = days(90);
const REALTIME_TTL_MS = seconds(120);

/** The version of the layout. Records of other writers under the same names lack it and are ignored. */
const SCHEMA = 1;

type DayRecord = { schema: typeof SCHEMA; date: string };

/** The figures of each UTC day, kept for 90 days. */
export class DailyStats<Figures extends DayRecord> {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save(figures: Figures): Promise<void> {
    await this.#redis.set(keys.dailyStats(figures.date), JSON.stringify(figures), 'PX', DAILY_TTL_MS);
  }

  async find(date: string): Promise<Figures | undefined> {
    const text = await this.#redis.get(keys.dailyStats(date));
    return text === null ? undefined : read(text);
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

function read<Figures extends DayRecord>(text: string): Figures | undefined {
  try {
    const record = JSON.parse(text) as Figures;
    return record.schema === SCHEMA ? record : undefined;
  } catch {
    return undefined;
  }
}
