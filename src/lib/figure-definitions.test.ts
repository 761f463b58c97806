import { describe, expect, test } from 'vitest';
import { deliveriesFail, deliveriesIn, deliveryEndOf, deliverySuccess, failureShare } from './figure-definitions.ts';

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
