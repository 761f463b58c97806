import { expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { purchaseOf } from '../../lib/purchase.ts';
import type { Payment, PaymentMark } from '../../repositories/payment-row.ts';
import { type Evidence, evidenceOf } from './evidence.ts';

const ORDERED = new Date('2026-11-20T10:00:00Z');
const at = (ms: number): Date => new Date(ORDERED.getTime() + ms);

function payment(
  id: string,
  made: Date,
  { mark = {}, mode, ...of }: { days?: number; mode?: string; mark?: PaymentMark } = {},
): Payment {
  return { id, createdAt: made, mark, purchase: purchaseOf(mode, of.days ?? 30) } as Payment;
}

/** The payment in question: ordered at 10:00, paid four minutes later. */
const ASKED = payment('asked', ORDERED, { mark: { paid_at: at(minutes(4)).toISOString() } });
const PAID = minutes(4) + days(30);

/** Another payment whose days our ledger gave: after `basis`, promised at `recorded`. */
const ours = (id: string, made: Date, basis: Date, recorded: Date, length = 30): Payment =>
  payment(id, made, {
    days: length,
    mark: {
      activation: 'done',
      basis: basis.toISOString(),
      target_expire_at: new Date(basis.getTime() + days(length)).toISOString(),
      recorded_at: recorded.toISOString(),
    },
  });

const CASES: readonly (readonly [what: string, end: Date, others: readonly Payment[], evidence: Evidence])[] = [
  ['an end in the past', at(-days(3)), [], 'not_given'],
  ['an end before the bought days', at(days(5)), [], 'not_given'],
  ['an end an hour short', at(PAID - hours(1) - minutes(1)), [], 'not_given'],
  ['the order plus the days', at(days(30)), [], 'given'],
  ['the order plus the days, nine minutes off', at(days(30) - minutes(9)), [], 'given'],
  ['the payment plus the days', at(PAID + minutes(9)), [], 'given'],
  ['a longer rest', at(days(40)), [], 'unclear'],
  ['just over ten minutes later than either', at(PAID + minutes(11)), [], 'unclear'],
  [
    'the rest of a year that another payment bought',
    at(days(345)),
    [payment('year', at(-days(20)), { days: 365 })],
    'not_given',
  ],
  [
    'the days of a payment minutes before, which we gave',
    at(days(30) - minutes(3)),
    [ours('a', at(-minutes(5)), at(-minutes(3)), at(-minutes(3)))],
    'not_given',
  ],
  [
    'our days for another payment upon a longer rest',
    at(days(70)),
    [ours('a', at(-minutes(5)), at(days(40)), at(-minutes(3)))],
    'not_given',
  ],
  [
    'our days for another payment upon those that the backend gave for this one',
    at(days(60)),
    [ours('a', at(minutes(5)), at(days(30)), at(minutes(6)))],
    'given',
  ],
  [
    'our days for two payments upon those that the backend gave',
    at(days(90)),
    [ours('a', at(minutes(5)), at(days(30)), at(minutes(6))), ours('b', at(minutes(8)), at(days(60)), at(minutes(9)))],
    'given',
  ],
  [
    'days that the backend gave for a payment five minutes later',
    at(days(30) + minutes(5)),
    [payment('b', at(minutes(5)))],
    'not_given',
  ],
  [
    'days that the backend gave for this one, with another five minutes later',
    at(days(30)),
    [payment('b', at(minutes(5)))],
    'given',
  ],
  [
    'an end that was found to be given for another',
    at(days(30)),
    [
      payment('b', at(minutes(2)), {
        mark: { given_by: 'backend', target_expire_at: at(days(30)).toISOString(), activation: 'done' },
      }),
    ],
    'given',
  ],
  [
    'a gift and an add-on explain nothing',
    at(days(40)),
    [payment('g', at(days(10)), { mode: 'gift_purchase' }), payment('x', at(days(10)), { mode: 'addon_only' })],
    'unclear',
  ],
];

test.each(CASES)('%s', (_, end, others, evidence) => {
  expect(evidenceOf(end, ASKED, [ASKED, ...others])).toBe(evidence);
});

test('of two payments within minutes the days that were given once count for one of them, whichever is asked first', () => {
  const a = payment('a', ORDERED);
  const b = payment('b', at(minutes(6)));
  for (const end of [at(days(30)), at(days(30) + minutes(6)), at(days(30) + minutes(2))]) {
    const found = [evidenceOf(end, a, [a, b]), evidenceOf(end, b, [a, b])];
    expect(new Set(found)).toEqual(new Set(['given', 'not_given']));
  }
});
