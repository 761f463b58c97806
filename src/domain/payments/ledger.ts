/**
 * The life of a payment. Each step is written before the next begins, so a process may die after any of them.
 *
 *  1. The backend inserts the row, `pending`, with the invoice in `external_id`. A renewal does it here: row, claim, invoice, `external_id`
 *     (`renewal.ts`). After a crash in between, the next renewal run looks for the invoice at Crypto Pay, or makes it.
 *  2. The customer pays. A webhook, `verify_pending_payments` every 5 minutes, or a producer makes a job `process_payment_completion`,
 *     one at a time for each invoice. After a crash BullMQ runs the job again. With Redis empty the next verification finds the row.
 *  3. The signed webhook, or Crypto Pay when asked, says whether the invoice is paid and for how much. Nothing is written if it fits;
 *     otherwise `mismatch` is written, and an admin is told. After a crash the next run asks again.
 *  4. `claim` writes `activation: pending`, `attempts` and `paid_at`. From here on the payment counts as paid, no run can fail it, and a
 *     second payment with the same invoice is refused. After a crash the next verification makes the job again, without asking Crypto Pay.
 *  5. A backend is told `invoice_paid`, does the rest of its work, and the row becomes `completed`. After a crash, a run that finds
 *     `completed` does not tell it again; verification also takes up `completed` rows whose activation is `pending`.
 *  6. `promise` writes who gets the days, `panel_user`, and until when, `target_expire_at`, with `basis` and `recorded_at`. It holds a lock
 *     of the panel user, so two payments add up. After a crash every later run wants that same date.
 *  7. The panel gets the date and shows it when read again (`activation.ts`). Nothing is written here. After a crash the next run sees the
 *     date in the panel and leaves it alone, or sets it: setting a date twice changes nothing, while adding days twice would.
 *  8. One transaction writes `status: completed`, `activation: done` and `done_at`, the audit entry, and the message in
 *     `notification_queue`. Only one run gets through. After a crash before the commit the next run passes 7 and comes here.
 *  9. The webhook row gets its mark, the event is published, delivery is signalled. After a crash the queue is read every 30 s anyway and
 *     the webhook is looked at again; only the event is lost.
 *
 * A run that fails is repeated after 30 s, 2 min and 10 min. Then an admin is told, and verification brings the job back every 5 minutes
 * until the payment is active. An invoice that expired, or is unpaid after 24 h, takes the row to `failed` and queues the notice.
 * A claimed payment is never failed.
 */
import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Database } from '../../repositories/database.ts';
import type { Payment, Payments } from '../../repositories/payments.ts';

/** The promise of one payment to a panel user. */
export type Promised = { panelUser: string; basis: Date; target: Date; recordedAt: Date };

/** Thrown when the invoice of this payment already counts for another one: CryptoBot took the money once. */
export class InvoiceTakenError extends PermanentError {
  override name = 'InvoiceTakenError';
}

/**
 * Records which payment extends which panel user until when, in `metadata.worker` of the payment itself. The target is computed once, under
 * a lock of the panel user, and written before the panel is called. From then on every run wants that same date, however many there are.
 */
export class EntitlementLedger {
  readonly #database: Database;
  readonly #payments: Payments;

  constructor(database: Database, payments: Payments) {
    this.#database = database;
    this.#payments = payments;
  }

  /**
   * Records that the payment is paid, since when if that is known, and that an attempt begins. `undefined` when the payment is over. Throws
   * `InvoiceTakenError`.
   */
  async claim({ id, invoiceId }: Payment, paidAt: Date | undefined): Promise<Payment | undefined> {
    return this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      await payments.serialise(`payment-invoice:${invoiceId ?? id}`);
      const row = await payments.findLocked(id);
      if (!row || isSettled(row)) return undefined;
      const other = await payments.invoiceTakenBy(row);
      if (other !== undefined) throw invoiceTaken(row, other);
      const attempts = (row.mark.attempts ?? 0) + 1;
      const change = { activation: 'pending', attempts, ...(paidAt && { paid_at: paidAt.toISOString() }) } as const;
      await payments.mark(id, change);
      return { ...row, mark: { ...row.mark, ...change } };
    });
  }

  /** The earlier promise of this payment, if there is one. */
  promised({ mark }: Payment): Promised | undefined {
    const { panel_user: panelUser, basis, target_expire_at: target, recorded_at: recordedAt } = mark;
    if (panelUser === undefined || !basis || !target || !recordedAt) return undefined;
    return { panelUser, basis: new Date(basis), target: new Date(target), recordedAt: new Date(recordedAt) };
  }

  /** The moment at which a reading of the panel begins, by the clock that all workers share. */
  async readingBegins(): Promise<Date> {
    return this.#payments.clock();
  }

  /**
   * Promises the bought days after the later of now and the current expiry, or repeats the earlier promise; `undefined` when the payment is
   * over. `user` was read from the panel after `readAt`. Days that other payments promised to the same user, and that the reading may not
   * show yet, count as current expiry: two payments at the same time add up.
   */
  async promise(payment: Payment, user: PanelUser, readAt: Date): Promise<Promised | undefined> {
    return this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      await payments.serialise(`payment-user:${user.id}`);
      const row = await payments.findLocked(payment.id);
      if (!row || isSettled(row)) return undefined;
      const earlier = this.promised(row);
      if (earlier) {
        if (earlier.panelUser !== user.id) await payments.mark(row.id, { panel_user: user.id });
        return { ...earlier, panelUser: user.id };
      }
      const others = await payments.latestTarget(ownersOf(row, user), user.id, readAt);
      const basis = new Date(Math.max(readAt.getTime(), user.expireAt.getTime(), others?.getTime() ?? 0));
      const target = new Date(basis.getTime() + days(row.days));
      const recordedAt = await payments.clock();
      await payments.mark(row.id, {
        panel_user: user.id,
        basis: basis.toISOString(),
        target_expire_at: target.toISOString(),
        recorded_at: recordedAt.toISOString(),
      });
      return { panelUser: user.id, basis, target, recordedAt };
    });
  }

  /**
   * The date until which the panel must let this user in now: the promised one, or a later one that other payments of the same user built
   * upon it.
   */
  async wanted(payment: Payment, { recordedAt, target }: Promised, user: PanelUser): Promise<Date> {
    const later = await this.#payments.latestTarget(ownersOf(payment, user), user.id, recordedAt);
    return later && later > target ? later : target;
  }
}

/** The unique key of a completion: while one of this invoice waits or runs, another is not queued. */
export const completionKey = (invoiceId: string): string => `payment:${invoiceId}`;

/**
 * Whether nothing remains to be done: the payment is active, or has ended otherwise. A completed row without our mark was activated by
 * others.
 */
export function isSettled({ status, mark }: Payment): boolean {
  if (status === 'pending') return mark.activation === 'done';
  return status !== 'completed' || mark.activation !== 'pending';
}

/** The values of `user_uuid` that payments for this panel user may have. */
function ownersOf(payment: Payment, { uuid }: PanelUser): string[] {
  return [payment.customerId, uuid].filter((id) => z.guid().safeParse(id).success) as string[];
}

function invoiceTaken({ id, invoiceId }: Payment, other: string): InvoiceTakenError {
  const message = `payment ${id}: invoice ${invoiceId} was already counted for payment ${other}; check which of the two it paid for`;
  return new InvoiceTakenError('payment_invoice_taken', message);
}
