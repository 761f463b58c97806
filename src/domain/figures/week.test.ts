import { describe, expect, test } from 'vitest';
import type { PaymentTotals, WeekFigures } from '../../messages/figures.ts';
import { changeOfMeans, changePercent, findingsOf, weekFigures } from './week.ts';

const DATES = ['2026-03-09', '2026-03-10'];
const quiet = weekFigures(DATES, new Map(), null);
const week = (parts: Partial<WeekFigures>): WeekFigures => ({
  ...quiet,
  missing: { users: [], bandwidth: [], uptime: [], notifications: [], tasks: [] },
  ...parts,
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
        notifications: { sent: 96, failed: 4, by_reason: { blocked: 4 } },
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
    ['undelivered', { notifications: { sent: 94, failed: 6, by_reason: { blocked: 6 } } }],
  ] as const)('%s where it is not', (kind, parts) => {
    expect(kinds(parts as Partial<WeekFigures>)).toEqual([kind]);
  });

  test('income that fell by more than a fifth, where there were payments enough to tell', () => {
    expect(kinds({ payments: payments(20, '79') }, { payments: payments(20, '100') })).toEqual(['income_fell']);
    expect(kinds({ payments: payments(20, '80') }, { payments: payments(20, '100') })).toEqual([]);
    expect(kinds({ payments: payments(1, '1') }, { payments: payments(2, '100') })).toEqual([]);
  });

  test('few samples prove nothing', () => {
    expect(
      kinds({ payments: payments(0, '0', 1), notifications: { sent: 0, failed: 1, by_reason: { blocked: 1 } } }),
    ).toEqual([]);
  });

  test('missing days are one', () => {
    expect(findingsOf(quiet, quiet)).toEqual([{ kind: 'days_missing', days: 2 }]);
  });
});
