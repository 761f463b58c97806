import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTimeZone, ZonedClock } from './zoned-clock.ts';

describe('a clock of a zone', () => {
  test('shows a moment as people there see it', () => {
    const at = new Date('2026-03-01T21:05:33Z');
    const moscow = new ZonedClock('Europe/Moscow');
    expect([moscow.second(at), moscow.minute(at), moscow.hour(at)]).toEqual([
      '2026-03-02 00:05:33',
      '2026-03-02 00:05',
      '00:05',
    ]);
    expect([moscow.label(at, 'en'), new ZonedClock('UTC').label(at, 'ru')]).toEqual(['GMT+3', 'UTC']);
  });

  test('reads back what it shows, in every zone', () => {
    const zones = [
      'UTC',
      'Europe/Moscow',
      'Europe/Berlin',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    ];
    const minute = fc.integer({ min: 0, max: 40_000_000 }).map((n) => new Date(n * 60_000));
    fc.assert(
      fc.property(fc.constantFrom(...zones), minute, (zone, at) => {
        const clock = new ZonedClock(zone);
        const read = clock.instant(clock.minute(at).replace(' ', 'T'))!;
        expect(clock.minute(read)).toBe(clock.minute(at));
        expect(read.getTime()).toBeLessThanOrEqual(at.getTime());
      }),
    );
  });

  test('knows the hour that comes twice, the one that is left out, and text that is no time', () => {
    const berlin = new ZonedClock('Europe/Berlin');
    expect(berlin.instant('2026-10-25T02:30')).toEqual(new Date('2026-10-25T00:30:00Z'));
    expect(berlin.instant('2026-03-29T02:30')).toEqual(new Date('2026-03-29T01:30:00Z'));
    expect(['', 'tomorrow', '2026-02-31', '2026-13-01T00:00'].map((text) => berlin.instant(text))).toEqual(
      Array(4).fill(undefined),
    );
  });

  test('is refused for a zone that nobody knows', () => {
    expect(['UTC', 'Asia/Tehran', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});
