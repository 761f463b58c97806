import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { days, minutes } from '../lib/duration.ts';
import { dayOf } from '../lib/utc-days.ts';
import type { Schedule } from './define-task.ts';
import { nextRun, parseSchedule, periodOf, slotsSince } from './schedule.ts';

describe('a schedule', () => {
  test.each([
    ['30s', { everyMs: 30_000 }],
    ['5m', { everyMs: 300_000 }],
    ['2h', { everyMs: 7_200_000 }],
    ['1d', { everyMs: 86_400_000 }],
    ['*/15 * * * *', { cron: '*/15 * * * *' }],
  ])('reads %s', (text, schedule) => {
    expect(parseSchedule(text, 'x')).toEqual(schedule);
  });

  test.each(['0s', 'often', '61 * * * *', '*/5 * *', ''])("refuses '%s' and says what would be right", (text) => {
    expect(() => parseSchedule(text, 'SCHEDULE_X')).toThrow(/^SCHEDULE_X is neither an interval \(30s/);
  });

  test.each([
    [{ everyMs: 30_000 }, 30_000],
    [{ cron: '*/15 * * * *' }, minutes(15)],
    [{ cron: '0 7 * * 1' }, days(7)],
    // From January on: to March it is 28 days, to February 31.
    [{ cron: '0 0 1 * *' }, days(31)],
  ])('%j has a period, the longer one where they differ', (schedule, period) => {
    expect(periodOf(schedule, new Date('2025-12-31T00:00:00Z'))).toBe(period);
  });

  test('is due next in UTC', () => {
    const from = new Date('2026-02-28T23:59:30Z');
    expect(nextRun({ cron: '0 0 1 * *' }, from)).toEqual(new Date('2026-03-01T00:00:00Z'));
    expect(nextRun({ everyMs: 30_000 }, from)).toEqual(new Date('2026-03-01T00:00:00Z'));
  });
});

describe('the slots that one tick stands for', () => {
  const daily = { cron: '0 6 * * *' };
  const hourly = { cron: '5 * * * *' };
  const weekly = { cron: '0 7 * * 1' };
  const monthly = { cron: '0 0 1 * *' };
  test.each<[string, Schedule, from: string, now: string, most: number, slots: string[]]>([
    ['in time', daily, '2026-11-28T06:00', '2026-11-28T06:00', 7, ['2026-11-28T06:00']],
    ['late by an hour', daily, '2026-11-28T06:00', '2026-11-28T07:00', 7, ['2026-11-28T06:00']],
    ['late, before the next is due', daily, '2026-11-28T06:00', '2026-11-29T05:59', 7, ['2026-11-28T06:00']],
    ['late by a day', daily, '2026-11-28T06:00', '2026-11-29T06:00', 7, ['2026-11-28T06:00', '2026-11-29T06:00']],
    [
      'late by three days, over the end of a month',
      daily,
      '2026-11-29T06:00',
      '2026-12-02T08:30',
      7,
      ['2026-11-29T06:00', '2026-11-30T06:00', '2026-12-01T06:00', '2026-12-02T06:00'],
    ],
    [
      'over a leap day',
      daily,
      '2028-02-28T06:00',
      '2028-03-01T06:00',
      7,
      ['2028-02-28T06:00', '2028-02-29T06:00', '2028-03-01T06:00'],
    ],
    [
      'late by a month: the newest',
      daily,
      '2026-11-01T06:00',
      '2026-12-02T08:30',
      2,
      ['2026-12-01T06:00', '2026-12-02T06:00'],
    ],
    [
      'of an hourly one the last of each day, and no more than one for the present day',
      hourly,
      '2026-12-31T21:05',
      '2027-01-02T02:30',
      3,
      ['2026-12-31T23:05', '2027-01-01T23:05', '2027-01-02T02:05'],
    ],
    ['of a weekly one', weekly, '2026-11-16T07:00', '2026-12-01T00:00', 2, ['2026-11-23T07:00', '2026-11-30T07:00']],
    ['without making up: the latest alone', monthly, '2026-11-01T00:00', '2026-12-02T10:00', 1, ['2026-12-01T00:00']],
    [
      'a month late by three days is the same month',
      monthly,
      '2026-11-01T00:00',
      '2026-11-04T00:00',
      1,
      ['2026-11-01T00:00'],
    ],
    [
      'of an interval, counted from the tick',
      { everyMs: minutes(30) },
      '2026-11-28T06:10',
      '2026-11-28T08:00',
      1,
      ['2026-11-28T07:40'],
    ],
    ['taken a moment early by another clock', daily, '2026-11-28T06:00', '2026-11-28T05:59', 7, ['2026-11-28T06:00']],
    ['that the pattern does not have any more', daily, '2026-11-28T03:00', '2026-11-28T04:00', 7, ['2026-11-28T03:00']],
  ])('%s', (_, schedule, from, now, most, slots) => {
    const dates = slotsSince(schedule, new Date(`${from}Z`), new Date(`${now}Z`), most);
    expect(dates.map((slot) => slot.toISOString().slice(0, 16))).toEqual(slots);
  });

  test('property: oldest first, one a day, none after now nor before the tick, and taken twice the same', () => {
    const anyMinute = fc.integer({ min: 0, max: 527_040 }).map((n) => new Date(Date.UTC(2028, 0, 1) + minutes(n)));
    fc.assert(
      fc.property(
        fc.constantFrom<Schedule>(daily, hourly, weekly, monthly, { everyMs: minutes(7) }),
        anyMinute,
        fc.nat({ max: 20_000 }),
        fc.integer({ min: 1, max: 10 }),
        (schedule, before, lateMinutes, most) => {
          const from = nextRun(schedule, before);
          const now = new Date(from.getTime() + minutes(lateMinutes));
          const slots = slotsSince(schedule, from, now, most);
          expect(slots.length).toBeLessThanOrEqual(most);
          expect(new Set(slots.map(dayOf)).size).toBe(slots.length);
          expect(slots.toSorted((a, b) => a.getTime() - b.getTime())).toEqual(slots);
          expect(slots[0]! >= from && slots.at(-1)! <= now).toBe(true);
          expect(nextRun(schedule, slots.at(-1)!) > now || 'everyMs' in schedule).toBe(true);
          expect(slotsSince(schedule, from, now, most)).toEqual(slots);
        },
      ),
    );
  });
});
