import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Calendar } from './calendar.ts';
import { hours } from './duration.ts';
import { shiftDay } from './utc-days.ts';

const ZONES = [
  ...['UTC', 'Europe/Berlin', 'Europe/Moscow', 'America/New_York', 'America/Sao_Paulo', 'Asia/Kolkata'],
  ...['Pacific/Auckland', 'Pacific/Kiritimati', 'Australia/Lord_Howe', 'America/Havana', 'Asia/Beirut'],
] as const;

describe('days of Berlin', () => {
  const berlin = new Calendar('Europe/Berlin');
  test.each([
    ['2026-03-28', 24, '2026-03-27T23:00:00.000Z'],
    ['2026-03-29', 23, '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 24, '2026-03-29T22:00:00.000Z'],
    ['2026-10-25', 25, '2026-10-24T22:00:00.000Z'],
    ['2026-10-26', 24, '2026-10-25T23:00:00.000Z'],
  ])('%s has %i hours', (day, count, from) => {
    const interval = berlin.interval(day);
    expect(interval.from.toISOString()).toBe(from);
    expect((interval.to.getTime() - interval.from.getTime()) / hours(1)).toBe(count);
    expect(new Set(berlin.hoursOf(day)).size).toBe(count);
  });

  test('weeks end on the Sunday of the place', () => {
    expect(berlin.lastSundayBefore(new Date('2026-03-29T21:59:59Z'))).toBe('2026-03-22');
    expect(berlin.lastSundayBefore(new Date('2026-03-29T22:00:00Z'))).toBe('2026-03-29');
    expect(berlin.dayBefore(new Date('2026-03-29T22:00:00Z'))).toBe('2026-03-29');
  });
});

test('in every zone each moment lies on one day, days follow each other, and their hours are each counted once', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.date({ min: new Date('2000-01-01'), max: new Date('2037-12-31'), noInvalidDate: true }),
      (zone, at) => {
        const calendar = new Calendar(zone);
        const day = calendar.dayOf(at);
        const { from, to } = calendar.interval(day);
        expect(from <= at && at < to).toBe(true);
        expect(calendar.interval(shiftDay(day, 1)).from).toEqual(to);
        const [last] = calendar.hoursOf(day).slice(-1);
        const [next] = calendar.hoursOf(shiftDay(day, 1));
        expect(Date.parse(`${next}:00:00Z`) - Date.parse(`${last}:00:00Z`)).toBe(hours(1));
      },
    ),
  );
});
