import { days, hours, minutes } from '../../lib/duration.ts';
import { boughtDays } from '../../lib/purchase.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { FirstStart } from './first-start.ts';
import { isCompletedByOthers } from './ledger.ts';

/** What becomes of days that a payment bought and that the backend's webhook completed first. */
export type BackendCompletions = 'extend' | 'ask' | 'leave';

/** The backend makes a new customer's panel user when the customer opens it; after this long it is not waited for any more. */
export const LAZY_ACCESS_MS = days(3);
/** A new customer mostly opens it at once; later it is looked at once an hour. */
const EAGER_MS = hours(1);
const EVERY_HOUR_MS = minutes(5);

export type CompletedByOthersOptions = {
  firstStart: FirstStart;
  payments: Pick<Payments, 'completedByOthers'>;
  policy: BackendCompletions;
};

/**
 * Payments that the backend completed before this worker saw them, which is the usual way: its webhook is there first. The backend does not
 * move the end of an existing panel user, so the days are still to be given.
 */
export class CompletedByOthers {
  readonly #options: CompletedByOthersOptions;

  constructor(options: CompletedByOthersOptions) {
    this.#options = options;
  }

  get asksFirst(): boolean {
    return this.#options.policy === 'ask';
  }

  /** Whether this payment's days are ours to give: not too old and not from before this worker came, unless a person says for whom it is. */
  async takesUp(payment: Payment, now: Date): Promise<boolean> {
    if (payment.mark.decision && payment.provider === 'cryptobot') return isCompletedByOthers(payment);
    if (this.#options.policy === 'leave' || payment.provider !== 'cryptobot' || !isCompletedByOthers(payment))
      return false;
    if (payment.purchase.kind !== 'unknown' && boughtDays(payment.purchase) === 0) return false;
    return payment.createdAt >= (await this.since(now));
  }

  /** Those to be looked at in the run of this moment, oldest first. */
  async due(now: Date, limit: number): Promise<readonly Payment[]> {
    if (this.#options.policy === 'leave') return [];
    const found = await this.#options.payments.completedByOthers(await this.since(now), limit);
    const isEagerSlot = now.getTime() % hours(1) < EVERY_HOUR_MS;
    return found.items.filter(({ createdAt }) => isEagerSlot || now.getTime() - createdAt.getTime() < EAGER_MS);
  }

  /** Rows before this are none of ours: too old, or from before this worker came. */
  async since(now: Date): Promise<Date> {
    const firstStart = await this.#options.firstStart.at();
    return new Date(Math.max(firstStart.getTime(), now.getTime() - LAZY_ACCESS_MS));
  }
}
