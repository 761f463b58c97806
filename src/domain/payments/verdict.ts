import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import { hours } from '../../lib/duration.ts';
import type { Payment } from '../../repositories/payments.ts';

/** From this age on an unpaid payment is given up, after Crypto Pay was asked one last time. */
const GIVEN_UP_AFTER_MS = hours(24);
/** Nobody wants to hear of a payment this old. */
const TOLD_WITHIN_MS = hours(72);

/** `complete`: the money is there. `fail`: it will not come. `mismatched`: an admin was told. `wait`: ask again in the next run. */
export type PaymentVerdict = 'complete' | 'fail' | 'mismatched' | 'wait';

/** What to do with a pending payment, given its invoice as Crypto Pay has it; `undefined` where it knows none. Paid wins at any age. */
export function verdictOn(payment: Payment, invoice: Invoice | undefined, now: Date): PaymentVerdict {
  if (payment.mark.activation === 'pending') return 'complete';
  if (invoice?.status === 'paid') return payment.mark.mismatch ? 'mismatched' : 'complete';
  if (invoice?.status === 'expired') return 'fail';
  return ageMs(payment, now) >= GIVEN_UP_AFTER_MS ? 'fail' : 'wait';
}

/** Whether the customer should hear that this payment came to nothing. One that never had an invoice nobody knows of. */
export function isWorthTelling(payment: Payment, now: Date): boolean {
  return payment.invoiceId !== undefined && ageMs(payment, now) <= TOLD_WITHIN_MS;
}

const ageMs = ({ createdAt }: Payment, now: Date): number => now.getTime() - createdAt.getTime();
