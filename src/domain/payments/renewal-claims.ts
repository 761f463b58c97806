import { randomUUID } from 'node:crypto';
import { seconds } from '../../lib/duration.ts';
import type { Database } from '../../repositories/database.ts';
import { type NewNotification, Notifications } from '../../repositories/notifications.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';

/** A claim expires after this, so that a dead worker no longer keeps a renewal from the others. */
const CLAIM_MS = seconds(60);
/** No call for an invoice begins later than this in its claim: the rest is for a breaker's probe and the call, 15 s each at most. */
const ASK_WITHIN_MS = seconds(25);
/**
 * The wait after a call without an answer. Crypto Pay answers in well under 1 s, so an invoice that it was still making is listed by then.
 */
const SETTLE_MS = seconds(3);

/** The right to ask Crypto Pay for the invoice of one renewal. */
export type RenewalClaim = {
  payment: Payment;
  /** Names this claim; every claim has another name. */
  by: string;
  /** Nobody has claimed the renewal before, so nobody has asked Crypto Pay for it. */
  isFirst: boolean;
  /** The call must begin before this moment of `performance.now()`. */
  askUntil: number;
};

/**
 * Decides which worker may ask Crypto Pay for the invoice of a renewal. The claim is a mark that expires, in `metadata.worker` of the
 * payment, by PostgreSQL's clock. It is committed before the call: no row is locked and no transaction is open while Crypto Pay answers. A
 * worker that dies leaves its mark, which tells the next one to look for an invoice before it makes one.
 */
export class RenewalClaims {
  readonly #database: Database;
  readonly #payments: Payments;

  constructor(database: Database, payments: Payments) {
    this.#database = database;
    this.#payments = payments;
  }

  /** `taken` while another claim lasts; `over` where the payment has its invoice, has ended, or is no renewal. */
  async take(id: string): Promise<RenewalClaim | 'taken' | 'over'> {
    const askUntil = performance.now() + ASK_WITHIN_MS;
    return this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      const payment = await payments.findLocked(id);
      if (!payment?.mark.renewal || payment.status !== 'pending' || payment.invoiceId !== undefined) return 'over';
      const now = (await payments.clock()).getTime();
      const earlier = payment.mark.invoicing;
      const leftMs = earlier ? Date.parse(earlier.until) - now : 0;
      // A mark that lasts longer than any claim was not written by us, or was written by another clock.
      if (leftMs > 0 && leftMs <= CLAIM_MS) return 'taken';
      const by = randomUUID();
      await payments.mark(id, { invoicing: { by, until: new Date(now + CLAIM_MS).toISOString() } });
      return { payment, by, isFirst: earlier === undefined, askUntil };
    });
  }

  /** Writes the invoice and queues the message with its link. Does neither, and returns false, where another worker has taken the claim. */
  async finish({ by, payment }: RenewalClaim, invoiceId: string, message: NewNotification): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      if (!(await this.#payments.within(transaction).setInvoice(payment.id, invoiceId, by))) return false;
      await new Notifications(transaction).insert([message]);
      return true;
    });
  }

  /** Lets others claim the renewal in a moment, if this claim still stands. */
  async giveUp({ by, payment: { id } }: RenewalClaim): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      const row = await payments.findLocked(id);
      if (row?.mark.invoicing?.by !== by || row.invoiceId !== undefined) return;
      const until = new Date((await payments.clock()).getTime() + SETTLE_MS).toISOString();
      await payments.mark(id, { invoicing: { by, until } });
    });
  }
}
