import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import {
  BRACKETS,
  type NoticeKind,
  nearestBracket,
  noticeId,
  noticeOfType,
  rememberedMs,
  typeOfNotice,
} from './brackets.ts';

const now = new Date('2026-12-23T05:00:00Z');
const inFuture = (ms: number): Date => new Date(now.getTime() + ms);
const KINDS: readonly NoticeKind[] = ['6h', '24h', '3d', '7d', 'expired', 'traffic'];

describe('the nearest bracket', () => {
  test.each([
    [-1, undefined],
    [0, undefined],
    [1, '6h'],
    [hours(5), '6h'],
    [hours(6), '6h'],
    [hours(6) + 1, '24h'],
    [hours(24), '24h'],
    [hours(24) + 1, '3d'],
    [days(3), '3d'],
    [days(3) + 1, '7d'],
    [days(7), '7d'],
    [days(7) + 1, undefined],
  ])('%i ms before the expiry', (left, kind) => {
    expect(nearestBracket(inFuture(left), now)?.kind).toBe(kind);
  });

  test('is the smallest that holds the distance', () => {
    fc.assert(
      fc.property(fc.integer({ min: -days(1), max: days(10) }), (left) => {
        const fitting = BRACKETS.filter(({ ms }) => left > 0 && left <= ms);
        expect(nearestBracket(inFuture(left), now)).toEqual(fitting[0]);
      }),
    );
  });
});

test('a notice has one id per user, kind and expiry date, and no other has the same', () => {
  const notice = fc.record({
    kind: fc.constantFrom(...KINDS.filter((kind) => kind !== 'traffic')),
    username: fc.string({ minLength: 3, maxLength: 36 }),
    expireAt: fc.date({ noInvalidDate: true }),
  });
  fc.assert(
    fc.property(notice, notice, (a, b) => {
      const isSame = a.kind === b.kind && a.username === b.username && a.expireAt.getTime() === b.expireAt.getTime();
      expect(noticeId(a.kind, a) === noticeId(b.kind, b)).toBe(isSame);
    }),
  );
});

test('every kind has a type of its own that fits into the column and is found again', () => {
  expect(KINDS.map((kind) => noticeOfType(typeOfNotice(kind)))).toEqual(KINDS);
  expect(KINDS.every((kind) => typeOfNotice(kind).length <= 50)).toBe(true);
  expect(noticeOfType('payment_received')).toBeUndefined();
});

test('Redis remembers a reminder as long as its bracket, the end for as long as it is told, used-up traffic for a period', () => {
  expect(KINDS.map(rememberedMs)).toEqual([hours(6), hours(24), days(3), days(7), hours(48), days(62)]);
});
