import { expect, test } from 'vitest';
import { daysUpTo, intervalOfDay, overlapSeconds, sundayOfWeek } from './utc-days.ts';

test('a day is UTC, whatever the machine thinks', () => {
  expect(intervalOfDay('2026-03-29')).toEqual({
    from: new Date('2026-03-29T00:00:00Z'),
    to: new Date('2026-03-30T00:00:00Z'),
  });
  expect(daysUpTo('2026-01-01', 2)).toEqual(['2025-12-31', '2026-01-01']);
});

test('weeks end on Sunday', () => {
  expect(sundayOfWeek('2026-03-09')).toBe('2026-03-15');
  expect(sundayOfWeek('2026-03-15')).toBe('2026-03-15');
});

test('intervals that do not meet have nothing in common', () => {
  expect(overlapSeconds(intervalOfDay('2026-03-01'), intervalOfDay('2026-03-02'))).toBe(0);
  expect(
    overlapSeconds(intervalOfDay('2026-03-01'), {
      from: new Date('2026-03-01T23:00:00Z'),
      to: new Date('2026-03-05T00:00:00Z'),
    }),
  ).toBe(3600);
});
