import { CronExpressionParser } from 'cron-parser';
import { days, hours, minutes, seconds } from '../lib/duration.ts';
import { dayOf, intervalOfDay } from '../lib/utc-days.ts';
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

/**
 * The slots that a tick stands for that is taken at `now` and was due at `from`, oldest first: the latest of each UTC day, of at most
 * `most` days that have one, the newest ones where there are more. Never empty: a slot that the schedule does not have is its own.
 */
export function slotsSince(schedule: Schedule, from: Date, now: Date, most: number): Date[] {
  const slots: Date[] = [];
  let slot = latestSlot(schedule, from, now);
  while (slots.length < most && slot >= from) {
    slots.unshift(slot);
    slot = latestSlot(schedule, from, new Date(intervalOfDay(dayOf(slot)).from.getTime() - 1));
  }
  return slots.length > 0 ? slots : [from];
}

/** The last slot that is not after `at`. Slots of an interval are counted from `known`, which is one. */
function latestSlot(schedule: Schedule, known: Date, at: Date): Date {
  if ('everyMs' in schedule) {
    const periods = Math.floor((at.getTime() - known.getTime()) / schedule.everyMs);
    return new Date(known.getTime() + periods * schedule.everyMs);
  }
  // A pattern has whole seconds, and the parser goes to the slot before the one that it is given.
  const after = new Date(Math.floor(at.getTime() / 1000) * 1000 + 1000);
  return CronExpressionParser.parse(schedule.cron, { tz: 'UTC', currentDate: after }).prev().toDate();
}

/** When the schedule is due next after `from`; for an interval, one period later. */
export function nextRun(schedule: Schedule, from: Date): Date {
  if ('everyMs' in schedule) return new Date(from.getTime() + schedule.everyMs);
  return CronExpressionParser.parse(schedule.cron, { tz: 'UTC', currentDate: from }).next().toDate();
}
