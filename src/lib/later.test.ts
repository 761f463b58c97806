import { expect, test } from 'vitest';
import { days, hours, minutes, seconds } from './duration.ts';
import { laterMs } from './later.ts';

const patience = { atLeastMs: seconds(5), atMostMs: minutes(5) };

test.each([
  [0, seconds(5)],
  [seconds(49), seconds(5)],
  [minutes(10), minutes(1)],
  [hours(1), minutes(5)],
  [days(1) - 1, minutes(5)],
  [days(1), undefined],
])('a job that has waited %d ms looks again after %s ms', (ageMs, expected) => {
  expect(laterMs(ageMs, patience)).toBe(expected);
});
