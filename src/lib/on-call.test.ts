import { describe, expect, test } from 'vitest';
import { type OnCallTurn, onCallAt, readOnCall } from './on-call.ts';
import { ZonedClock } from './zoned-clock.ts';

const turns = (text: string): readonly OnCallTurn[] => {
  const read = readOnCall(text);
  if (typeof read === 'string') throw new Error(read);
  return read;
};

describe('who is on call', () => {
  test('ids alone are always on call, in their order, each once', () => {
    for (const text of ['11,22', ' 11 , 22 ', '11,22,11', '11,22;'])
      expect(onCallAt(turns(text), new Date('2026-11-20T10:00:00Z'), new ZonedClock('UTC'))).toEqual([11, 22]);
  });

  const ROTA = 'mon-fri 09:00-18:00 11,22; MON-FRI 18:00-09:00 22; sat,sun 33';
  // 2026-11-20 is a Friday. Moscow is three hours ahead.
  test.each([
    ['2026-11-20T06:00:00Z', [11, 22], 'its first minute, by the clocks of the zone'],
    ['2026-11-20T05:59:00Z', [22], 'the minute before: the night of Thursday'],
    ['2026-11-20T14:59:00Z', [11, 22], 'its last minute'],
    ['2026-11-20T15:00:00Z', [22], 'the minute after: the night begins'],
    ['2026-11-21T05:59:00Z', [22], 'Saturday morning still belongs to the night of Friday'],
    ['2026-11-21T06:00:00Z', [33], 'then the weekend'],
    ['2026-11-22T20:59:00Z', [33], 'the last minute of Sunday'],
    ['2026-11-22T21:00:00Z', [], 'Monday before nine is nobody’s: all are told at once'],
  ])('%s: %j (%s)', (at, ids) => {
    expect(onCallAt(turns(ROTA), new Date(at), new ZonedClock('Europe/Moscow'))).toEqual(ids);
  });

  test('days may go over the end of the week', () => {
    const rota = turns('fri-mon 11; tue-thu 22');
    const clock = new ZonedClock('UTC');
    const week = Array.from(
      { length: 7 },
      (_, i) => onCallAt(rota, new Date(Date.UTC(2026, 10, 16 + i, 12)), clock)[0],
    );
    expect(week).toEqual([11, 22, 22, 22, 11, 11, 11]);
  });

  test.each([
    ['', 'names nobody'],
    [' ; ', 'names nobody'],
    ['anna', 'must end each turn with numeric Telegram ids'],
    ['mon 11 22 33', 'must have, for each turn, days, hours and ids'],
    ['mo-fr 11', 'must name days as'],
    ['mon-tue-wed 11', 'must name days as'],
    ['mon 9-18 11', 'must give hours as 09:00-18:00'],
    ['mon 09:00-25:00 11', 'must give hours as'],
  ])('%j: %s', (text, problem) => {
    expect(readOnCall(text)).toContain(problem);
  });
});
