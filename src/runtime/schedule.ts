import { CronExpressionParser } from 'cron-parser';
import { days, hours, minutes, seconds } from '../lib/duration.ts';
import type { Schedule } from './define-task.ts';

const UNITS: Readonly<Record<string, (n: number) => number>> = { s: seconds, m: minutes, h: hours, d: days };

const CRON_FIELDS = /^\S+(\s+\S+){4,5}$/;

/**
 * Reads `30s`, `5m`, `2h`, `1d` or a cron pattern in UTC. Throws an `Error` that names `source` (a variable or a task), the value and the
 * right form.
 */
export function parseSchedule(text: string, source: string): Schedule {
  const interval = /^([1-9]\d{0,5})\s*([smhd])$/.exec(text);
  if (interval) return { everyMs: UNITS[interval[2]!]!(Number(interval[1])) };
  try {
    // The parser fills in missing fields. Here a missing field would be a typing error that runs every second.
    if (!CRON_FIELDS.test(text)) throw new Error('a cron pattern has five or six fields');
    CronExpressionParser.parse(text, { tz: 'UTC' });
    return { cron: text };
  } catch (cause) {
    throw new Error(
      `${source} is neither an interval (30s, 5m, 2h) nor a cron pattern in UTC (*/5 * * * *): '${text}'`,
      { cause },
    );
  }
}

/** The longest time between two runs, in milliseconds; of a cron pattern, among the next three. */
export function periodOf(schedule: Schedule, at: Date): number {
  if ('everyMs' in schedule) return schedule.everyMs;
  const first = nextRun(schedule, at);
  const second = nextRun(schedule, first);
  const third = nextRun(schedule, second);
  return Math.max(second.getTime() - first.getTime(), third.getTime() - second.getTime());
}

/** When the schedule is due next after `from`; for an interval, one period later. */
export function nextRun(schedule: Schedule, from: Date): Date {
  if ('everyMs' in schedule) return new Date(from.getTime() + schedule.everyMs);
  return CronExpressionParser.parse(schedule.cron, { tz: 'UTC', currentDate: from }).next().toDate();
}
