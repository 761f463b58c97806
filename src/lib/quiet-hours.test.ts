import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quietUntil, readQuietHours } from './quiet-hours.ts';
import { ZonedClock } from './zoned-clock.ts';

const NIGHT = { from: '22:00', to: '09:00' };
const berlin = new ZonedClock('Europe/Berlin');

describe('quiet hours', () => {
  test('are read from text, and other text is none', () => {
    expect(readQuietHours('22:00-09:00')).toEqual(NIGHT);
    expect(readQuietHours('13:00 - 14:30')).toEqual({ from: '13:00', to: '14:30' });
    for (const text of [
      '',
      '22-09',
      '22:00',
      '24:00-09:00',
      '22:60-09:00',
      '09:00-09:00',
      '22:00-09:00-10:00',
      'night',
    ])
      expect(readQuietHours(text), text).toBeUndefined();
  });

  test.each([
    ['before they begin', '2026-06-01T19:59:00Z', undefined],
    ['when they begin', '2026-06-01T20:00:00Z', '2026-06-02T07:00:00Z'],
    ['after midnight', '2026-06-02T01:00:00Z', '2026-06-02T07:00:00Z'],
    ['when they end', '2026-06-02T07:00:00Z', undefined],
    ['in the night that is an hour shorter', '2026-03-28T21:30:00Z', '2026-03-29T07:00:00Z'],
    ['in the night that is an hour longer', '2026-10-24T20:30:00Z', '2026-10-25T08:00:00Z'],
  ])('%s', (_, at, until) => {
    expect(quietUntil(new Date(at), NIGHT, berlin)?.toISOString()).toBe(until && new Date(until).toISOString());
  });

  test('within a day', () => {
    const nap = { from: '13:00', to: '14:30' };
    expect(quietUntil(new Date('2026-06-01T11:15:00Z'), nap, berlin)).toEqual(new Date('2026-06-01T12:30:00Z'));
    expect(quietUntil(new Date('2026-06-01T12:30:00Z'), nap, berlin)).toBeUndefined();
  });

  test('end later than the moment, within a day and an hour, and are over then', () => {
    const zones = [
      'UTC',
      'Europe/Moscow',
      'Europe/Berlin',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    ];
    const minute = fc.integer({ min: 27_000_000, max: 40_000_000 }).map((n) => new Date(n * 60_000));
    const time = fc.integer({ min: 0, max: 1439 }).map((n) => new Date(n * 60_000).toISOString().slice(11, 16));
    fc.assert(
      fc.property(fc.constantFrom(...zones), minute, time, time, (zone, at, from, to) => {
        fc.pre(from !== to);
        const clock = new ZonedClock(zone);
        const until = quietUntil(at, { from, to }, clock);
        if (!until) return;
        expect(until.getTime()).toBeGreaterThan(at.getTime());
        expect(until.getTime() - at.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
        expect(quietUntil(until, { from, to }, clock)).toBeUndefined();
      }),
    );
  });
});
