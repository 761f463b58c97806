import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import { hours } from '../../lib/duration.ts';
import { endsByDecision, type Payment } from '../../repositories/payment-row.ts';

/** From this age on an unpaid payment is given up, after one last question to Crypto Pay. */
const GIVEN_UP_AFTER_MS = hours(24);
/** Customers get no message about a payment that is older than this. */
const TOLD_WITHIN_MS = hours(72);

/** `complete`: the money is there. `fail`: it will not come. `mismatched`: an admin was told. `wait`: ask again in the next run. */
export type PaymentVerdict = 'complete' | 'fail' | 'mismatched' | 'wait';

/**
 * Decides on a pending payment by its invoice at Crypto Pay: `undefined` where Crypto Pay knows none, `unreadable` where it has one about
 * which nothing is known. Paid wins at any age.
 */
export function verdictOn(payment: Payment, invoice: Invoice | 'unreadable' | undefined, now: Date): PaymentVerdict {
  if (payment.mark.closed) return 'fail';
  if (payment.mark.activation === 'pending' || endsByDecision(payment.mark)) return 'complete';
  if (invoice === 'unreadable') return 'wait';
  if (invoice?.status === 'paid') return payment.mark.mismatch ? 'mismatched' : 'complete';
  if (invoice?.status === 'expired') return 'fail';
  // A state that we do not know may mean that it is paid.
  if (invoice && invoice.status !== 'active') return 'wait';
  return ageMs(payment, now) >= GIVEN_UP_AFTER_MS ? 'fail' : 'wait';
}

/**
 * Whether the customer should hear that this payment has failed. No customer knows of a payment that never had an invoice, and a person who
 * closes one has spoken with the customer.
 */
export function isWorthTelling(payment: Payment, now: Date): boolean {
  return payment.invoiceId !== undefined && !payment.mark.closed && ageMs(payment, now) <= TOLD_WITHIN_MS;
}

const ageMs = ({ createdAt }: Payment, now: Date): number => now.getTime() - createdAt.getTime();
