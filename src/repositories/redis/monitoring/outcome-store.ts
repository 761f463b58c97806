import type { Calendar } from '../../../lib/calendar.ts';
import { days, hours, minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Counts of job outcomes and of answers of outside services since the last flush of one process. */
export type OutcomeCounts = {
  succeeded: number;
  failed: number;
  /** Failed jobs by `task code`. */
  errors: ReadonlyMap<string, number>;
  calls: ReadonlyMap<string, { count: number; ms: number }>;
};

export type DayOutcomes = {
  succeeded: number;
  failed: number;
  errors: { task: string; code: string; count: number }[];
  calls: Record<string, { count: number; mean_ms: number }>;
};

/** One day more than the week that reports cover. */
const DAY_TTL_MS = days(8);
const MINUTE_TTL_MS = hours(1);

const minuteOf = (at: Date): string => at.toISOString().slice(0, 16);

/** Counts of job outcomes over all workers: by minute for the error rate, by day with their errors for the reports. */
export class OutcomeStore {
  readonly #redis: RedisClient;
  readonly #calendar: Calendar;

  /** `calendar` says which day a moment is of. */
  constructor(redis: RedisClient, calendar: Calendar) {
    this.#redis = redis;
    this.#calendar = calendar;
  }

  async add({ calls, errors, failed, succeeded }: OutcomeCounts, at: Date): Promise<void> {
    const minute = keys.outcomesOfMinute(minuteOf(at));
    const day = keys.outcomesOfDay(this.#calendar.dayOf(at));
    // Single commands, sent together, because the two keys may lie in different slots of a Redis Cluster.
    const sent: Promise<unknown>[] = [];
    const count = (key: string, field: string, by: number): void => {
      if (by > 0) sent.push(this.#redis.hincrby(key, field, by));
    };
    for (const key of [minute, day]) {
      count(key, 'succeeded', succeeded);
      count(key, 'failed', failed);
    }
    for (const [error, n] of errors) count(day, `error ${error}`, n);
    for (const [service, call] of calls) {
      count(day, `calls ${service}`, call.count);
      count(day, `ms ${service}`, Math.round(call.ms));
    }
    sent.push(this.#redis.pexpire(minute, MINUTE_TTL_MS), this.#redis.pexpire(day, DAY_TTL_MS));
    await Promise.all(sent);
  }

  /** The jobs that ended in the last `count` minutes, including the current one. */
  async lastMinutes(count: number, now: Date): Promise<{ succeeded: number; failed: number }> {
    const stamps = Array.from({ length: count }, (_, i) => minuteOf(new Date(now.getTime() - minutes(i))));
    const found = await Promise.all(
      stamps.map((stamp) => this.#redis.hmget(keys.outcomesOfMinute(stamp), 'succeeded', 'failed')),
    );
    const sum = (i: 0 | 1): number => found.reduce((all, values) => all + Number(values[i] ?? 0), 0);
    return { succeeded: sum(0), failed: sum(1) };
  }

  /** Undefined when nothing was counted that day: the day is unknown, not free of errors. */
  async ofDay(day: string): Promise<DayOutcomes | undefined> {
    const fields = await this.#redis.hgetall(keys.outcomesOfDay(day));
    if (Object.keys(fields).length === 0) return undefined;
    const named = (kind: string): [string, number][] =>
      Object.entries(fields).flatMap(([field, n]) =>
        field.startsWith(`${kind} `) ? [[field.slice(kind.length + 1), Number(n)]] : [],
      );
    const errors = named('error').map(([name, count]) => {
      const [task = '', code = ''] = name.split(' ');
      return { task, code, count };
    });
    const calls = named('calls').map(([service, count]) => {
      return [service, { count, mean_ms: Math.round(Number(fields[`ms ${service}`] ?? 0) / count) }] as const;
    });
    return {
      succeeded: Number(fields.succeeded ?? 0),
      failed: Number(fields.failed ?? 0),
      errors: errors.sort((a, b) => b.count - a.count || (a.task < b.task ? -1 : 1)),
      calls: Object.fromEntries(calls),
    };
  }
}
