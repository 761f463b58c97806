import { describe, expect, test } from 'vitest';
import { deliveriesIn } from '../../lib/figure-definitions.ts';
import type { DayFigures, PaymentTotals, WeekFigures } from '../../messages/figures.ts';
import { changeOfMeans, changePercent, findingsOf, weekFigures } from './week.ts';

const DATES = ['2026-03-09', '2026-03-10'];
const quiet = weekFigures(DATES, new Map(), null, DATES[0]);
const week = (parts: Partial<WeekFigures>): WeekFigures => ({
  ...quiet,
  missing: { users: [], bandwidth: [], uptime: [], notifications: [], tasks: [] },
  ...parts,
});
const delivered = (sent: number, by_reason: Record<string, number>) => ({
  ...deliveriesIn(sent, by_reason),
  by_reason,
});
const payments = (count: number, total: string, failed = 0): PaymentTotals => ({
  by_currency: { USD: { count, total } },
  by_plan: {},
  by_provider: {},
  total_count: count,
  failed_count: failed,
  pending_count: 0,
  failure_rate: failed / (count + failed),
  without_backend: 0,
});

test('without any day every part is null and every day is missing', () => {
  expect(quiet).toMatchObject({ users: null, bandwidth: null, uptime: null, notifications: null, tasks: null });
  expect(quiet.missing.users).toEqual(DATES);
});

describe('days before the first that the worker lived through', () => {
  const dates = ['2026-03-09', '2026-03-10', '2026-03-11', '2026-03-12'];
  const day = (date: string): DayFigures => ({
    ...{ schema: 1, date, users: null, bandwidth: null, uptime: null, payments: null, admin_operations: null },
    ...{ notifications: null, tasks: { succeeded: 1, failed: 0, errors: [], calls: {} } },
  });
  test.each<[string, kept: string[], firstDay: string | undefined, missing: string[], begins: string | null]>([
    ['all are after it', dates, '2026-03-01', [], null],
    ['it is the first of them', dates, '2026-03-09', [], null],
    ['it is in the middle', ['2026-03-11', '2026-03-12'], '2026-03-11', [], '2026-03-11'],
    [
      'it is in the middle, and one is missing after it',
      ['2026-03-10', '2026-03-12'],
      '2026-03-10',
      ['2026-03-11'],
      '2026-03-10',
    ],
    ['one is missing', ['2026-03-09', '2026-03-11', '2026-03-12'], '2026-03-01', ['2026-03-10'], null],
    ['all are before it', [], '2026-03-13', [], 'none'],
    ['there is none: new, or Redis was emptied', [], undefined, [], 'none'],
  ])('%s', (_, kept, firstDay, missing, begins) => {
    const found = weekFigures(dates, new Map(kept.map((date) => [date, day(date)])), null, firstDay);
    expect(found).toMatchObject({ begins, known: { tasks: kept.length, users: 0 } });
    expect(found.missing.tasks).toEqual(missing);
    expect(findingsOf(found, found).some(({ kind }) => kind === 'days_missing')).toBe(
      missing.length > 0 || found.missing.users.length > 0,
    );
    if (firstDay === undefined) expect(Object.values(found.missing).flat()).toEqual([]);
  });
});

test('a record of a former version, with one count of all that did not arrive, is read by its reasons', () => {
  const old = { sent: 10, failed: 5, by_reason: { blocked: 3, obsolete: 1, other: 1 } };
  const kept = {
    ...({ schema: 1, date: '2026-03-09', tasks: null } as unknown as DayFigures),
    notifications: old as never,
  };
  expect(weekFigures(DATES, new Map([['2026-03-09', kept]]), null, undefined).notifications).toMatchObject({
    ...{ sent: 10, failed: 1, unreachable: 3, withdrawn: 1 },
  });
});

test('a change is of means over known days; where nothing was before there is none', () => {
  expect(changeOfMeans({ total: 60, days: 6 }, { total: 56, days: 7 })).toBe(25);
  expect(changeOfMeans({ total: 60, days: 0 }, { total: 56, days: 7 })).toBeNull();
  expect(changePercent(5, 0)).toBeNull();
});

describe('findings', () => {
  const kinds = (now: Partial<WeekFigures>, before: Partial<WeekFigures> = {}) =>
    findingsOf(week(now), week(before)).map(({ kind }) => kind);
  const node = (percent: number, incidents: number) => ({ name: 'Berlin', percent, incidents, down_seconds: 1 });
  const tasks = (failed: number, mean_ms = 50) => ({
    succeeded: 1000 - failed,
    failed,
    errors: [{ task: 'sync_user_stats', code: 'x', count: failed }],
    calls: { remnawave: { count: 100, mean_ms } },
  });

  test('nothing where all is normal', () => {
    const uptime = { percent: 100, incidents: 1, nodes: [node(99.5, 1)] };
    expect(
      kinds({
        uptime,
        payments: payments(100, '500'),
        tasks: tasks(5),
        notifications: delivered(96, { blocked: 4, too_long: 1 }),
      }),
    ).toEqual([]);
  });

  test.each([
    ['node_weak', { uptime: { percent: 90, incidents: 1, nodes: [node(98.9, 1)] } }],
    ['node_weak', { uptime: { percent: 99, incidents: 3, nodes: [node(99.9, 3)] } }],
    ['payments_fail', { payments: payments(80, '1', 20) }],
    ['more_leave', { users: { new: 10, churned: 30, active: null, daily_new: [] } }],
    ['tasks_fail', { tasks: tasks(6) }],
    ['slow_service', { tasks: tasks(0, 2001) }],
    ['undelivered', { notifications: delivered(94, { telegram_unavailable: 2 }) }],
    ['unreachable', { notifications: delivered(94, { blocked: 4, chat_not_found: 2 }) }],
  ] as const)('%s where it is not', (kind, parts) => {
    expect(kinds(parts as Partial<WeekFigures>)).toEqual([kind]);
  });

  test('income that fell by more than a fifth, where there were payments enough to tell', () => {
    expect(kinds({ payments: payments(20, '79') }, { payments: payments(20, '100') })).toEqual(['income_fell']);
    expect(kinds({ payments: payments(20, '80') }, { payments: payments(20, '100') })).toEqual([]);
    expect(kinds({ payments: payments(1, '1') }, { payments: payments(2, '100') })).toEqual([]);
  });

  test('few samples prove nothing', () => {
    expect(kinds({ payments: payments(0, '0', 1), notifications: delivered(0, { blocked: 1, other: 1 }) })).toEqual([]);
  });

  test('missing days are one', () => {
    expect(findingsOf(quiet, quiet)).toEqual([{ kind: 'days_missing', days: 2 }]);
  });
});
