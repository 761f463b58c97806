import { expect, test } from 'vitest';
import { minutes, seconds } from '../lib/duration.ts';
import { ReportBudget } from './report-budget.ts';

const budget = () => new ReportBudget({ perGroupMs: minutes(1), perMinute: 3 });

test('one of a group is told within its time, and the next says how many were not', () => {
  const reports = budget();
  expect(reports.take('a', 0)).toBe(0);
  for (let n = 1; n <= 59; n += 1) expect(reports.take('a', seconds(n))).toBeUndefined();
  expect(reports.take('a', seconds(60))).toBe(59);
  expect(reports.take('a', seconds(120))).toBe(0);
});

test('all groups together are told so often within a minute', () => {
  const reports = budget();
  expect(['a', 'b', 'c', 'd', 'e'].map((group) => reports.take(group, 0))).toEqual([0, 0, 0, undefined, undefined]);
  expect(reports.take('d', minutes(1))).toBe(1);
});

test('groups without end are forgotten, the oldest first', () => {
  const reports = new ReportBudget({ perGroupMs: minutes(1), perMinute: 10_000 });
  for (let n = 0; n < 2_000; n += 1) reports.take(`group ${n}`, 0);
  expect(reports.take('group 0', 1)).toBe(0);
  expect(reports.take('group 1999', 1)).toBeUndefined();
});
