import { describe, expect, test } from 'vitest';
import {
  deliveriesFail,
  deliveriesIn,
  deliveryEndOf,
  deliverySuccess,
  failureShare,
  troublesIn,
} from './figure-definitions.ts';

describe('how a notification ends', () => {
  test.each([
    ['sent', 'sent'],
    ['retry', undefined],
    ['blocked', 'unreachable'],
    ['deactivated', 'unreachable'],
    ['kicked', 'unreachable'],
    ['chat_not_found', 'unreachable'],
    ['forbidden', 'unreachable'],
    ['unreachable', 'unreachable'],
    ['obsolete', 'withdrawn'],
    ['dropped', 'withdrawn'],
    ['withdrawn', 'withdrawn'],
    ['failed', 'failed'],
    ['too_long', 'failed'],
    ['bad_markup', 'failed'],
    ['a_reason_of_tomorrow', 'failed'],
    ['constructor', 'failed'],
  ])('%s', (status, end) => {
    expect(deliveryEndOf(status)).toBe(end);
  });

  test('all of a day, by reason', () => {
    expect(deliveriesIn(7, { blocked: 2, other: 1, obsolete: 3, chat_not_found: 4 })).toEqual({
      ...{ sent: 7, failed: 1, unreachable: 6, withdrawn: 3 },
    });
  });
});

test.each([
  [{ sent: 0, failed: 0 }, null, false],
  [{ sent: 95, failed: 5 }, 0.95, true],
  [{ sent: 98, failed: 2 }, 0.98, false],
  [{ sent: 97, failed: 3 }, 0.97, true],
  // Too few to tell.
  [{ sent: 5, failed: 5 }, 0.5, false],
])('of %j the success is %s, and that is too little: %s', (totals, success, isTooLittle) => {
  expect(deliverySuccess(totals)).toBe(success);
  expect(deliveriesFail(totals)).toBe(isTooLittle);
});

test.each([
  [{ succeeded: 0, failed: 0 }, null],
  [{ succeeded: 3, failed: 1 }, 0.25],
])('of %j the share of failures is %s', (ended, share) => {
  expect(failureShare(ended)).toBe(share);
});

describe('all is quiet', () => {
  const quiet = { alerts: 0, held: 0, deadLetters: 0, deliveries: { sent: 100, failed: 0 } };
  test.each([
    ['with nothing out of order', {}, []],
    ['where nothing was sent', { deliveries: { sent: 0, failed: 0 } }, []],
    ['not with an alert', { alerts: 1 }, ['alerts']],
    ['not with something held', { held: 1 }, ['held']],
    ['not with dead letters', { deadLetters: 1 }, ['deadLetters']],
    ['not with a success of 95 %', { deliveries: { sent: 95, failed: 5 } }, ['deliveries']],
    [
      'not with ten dead letters and 95 %',
      { deadLetters: 10, deliveries: { sent: 95, failed: 5 } },
      ['deadLetters', 'deliveries'],
    ],
  ])('%s', (_, state, troubles) => {
    expect(troublesIn({ ...quiet, ...state })).toEqual(troubles);
  });
});
