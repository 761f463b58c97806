import { describe, expect, test } from 'vitest';
import { days, minutes } from '../lib/duration.ts';
import { nextRun, parseSchedule, periodOf } from './schedule.ts';

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
