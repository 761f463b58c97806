import { days, hours, minutes } from '../../lib/duration.ts';
import { boughtDays } from '../../lib/purchase.ts';
import type { Payment } from '../../repositories/payment-row.ts';

/** What the panel's end says of the days of a payment that somebody else completed. */
export type Evidence = 'given' | 'not_given' | 'unclear';

/** An end this close to a date was set for that date: the backend sets `created_at` plus the days, others count from the payment. */
const NEAR_MS = minutes(10);
/** An end this much before the paid date cannot hold the bought days. */
const SHORT_MS = hours(1);

/**
 * Whether somebody gave the bought days already, by the end that the panel shows and the customer's other payments for the same panel user.
 * `others` may include `payment` itself. An end that another payment explains is no evidence for this one: two purchases within minutes both
 * count.
 */
export function evidenceOf(end: Date, payment: Payment, others: readonly Payment[]): Evidence {
  const siblings = others.filter(({ id, purchase }) => id !== payment.id && boughtDays(purchase) > 0);
  const left = asLeftByOthers(end, siblings);
  const own = distance(left.end, payment);
  const nearest = Math.min(...siblings.map((sibling) => distance(left.end, sibling)));
  const couldBeSeen = left.seenAt === undefined || left.seenAt >= payment.createdAt;
  if (own <= NEAR_MS && own <= nearest && couldBeSeen) return 'given';
  if (left.end.getTime() < paidAt(payment).getTime() + days(boughtDays(payment.purchase)) - SHORT_MS)
    return 'not_given';
  return left.seenAt !== undefined || nearest <= NEAR_MS ? 'not_given' : 'unclear';
}

/** The end before the days that our ledger gave for other payments, and when that end was read, where there are such days. */
function asLeftByOthers(end: Date, siblings: readonly Payment[]): { end: Date; seenAt: Date | undefined } {
  let left: { end: Date; seenAt: Date | undefined } = { end, seenAt: undefined };
  const ours = siblings.filter(({ mark }) => mark.given_by === undefined && mark.basis && mark.target_expire_at);
  for (let rest = ours; ; ) {
    const last = rest.find(({ mark }) => isNear(left.end, new Date(mark.target_expire_at!)));
    if (!last) return left;
    left = { end: new Date(last.mark.basis!), seenAt: new Date(last.mark.recorded_at ?? last.mark.basis!) };
    rest = rest.filter((one) => one !== last);
  }
}

/** How far this end is from the nearest date that the payment alone would have led to. */
function distance(end: Date, payment: Payment): number {
  const { createdAt, mark, purchase } = payment;
  const length = days(boughtDays(purchase));
  const dates = [createdAt.getTime() + length, paidAt(payment).getTime() + length];
  if (mark.given_by && mark.target_expire_at) dates.push(Date.parse(mark.target_expire_at));
  return Math.min(...dates.map((date) => Math.abs(end.getTime() - date)));
}

/** When it was paid, as far as that is known: not before it was made. */
const paidAt = ({ createdAt, mark }: Payment): Date => (mark.paid_at ? new Date(mark.paid_at) : createdAt);

const isNear = (one: Date, other: Date): boolean => Math.abs(one.getTime() - other.getTime()) <= NEAR_MS;
