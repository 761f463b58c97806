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
 *     A row that the backend completed first is claimed together with its promise, once it is clear that nobody gave the days
 *     (`evidence.ts`).
 *  5. With a backend, the payment is left to Crypto Pay's own webhook for two minutes from `paid_at`. Then one run at a time claims it,
 *     `telling`, and tells the backend, which does the rest of its work and makes the row `completed`; the row decides, never the answer
 *     (`backend-telling.ts`). After a crash the claim runs out, and the next run reads the row before it tells. Verification also takes
 *     up `completed` rows whose activation is `pending`.
 *  6. `promise` writes who gets the days, `panel_user` and `panel_name`, and until when, `target_expire_at`, with `basis` and `recorded_at`.
 *     It holds a lock of the username, which survives an upgrade of the panel, so two payments add up. After a crash every later run wants
 *     that same date. The purchase decides on the date (`lib/purchase.ts`); a gift, an add-on and an unknown purchase get none.
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
import { boughtDays, type Purchase } from '../../lib/purchase.ts';
import type { Database } from '../../repositories/database.ts';
import { endsByDecision, type Payment, type PaymentMark } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import { evidenceOf } from './evidence.ts';

/** The promise of one payment to a panel user. */
export type Promised = { panelUser: string; basis: Date; target: Date; recordedAt: Date };

/** `given`: somebody else gave the days, until then. `unclear`: only a person can say whether they did. */
export type PromiseOutcome =
  | { kind: 'promised'; promised: Promised }
  | { kind: 'given'; until: Date }
  | { kind: 'unclear' };

/** Thrown when the invoice of this payment already counts for another one: CryptoBot took the money once. */
export class InvoiceTakenError extends PermanentError {
  override name = 'InvoiceTakenError';
}

/** The last moment that PostgreSQL, the panel and ISO 8601 all write alike. A panel user who ends there has no end. */
const END_OF_TIME_MS = Date.parse('9999-12-31T23:59:59.999Z');

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
      const other = endsByDecision(row.mark) ? undefined : await payments.invoiceTakenBy(row);
      if (other !== undefined) throw invoiceTaken(row, other);
      const attempts = (row.mark.attempts ?? 0) + 1;
      const change = { activation: 'pending', attempts, ...(paidAt && { paid_at: paidAt.toISOString() }) } as const;
      await payments.mark(id, change);
      return { ...row, mark: { ...row.mark, ...change } };
    });
  }

  /** The moment at which a reading of the panel begins, by the clock that all workers share. */
  async readingBegins(): Promise<Date> {
    return this.#payments.clock();
  }

  /**
   * Promises the bought days to a user who was read from the panel after `readAt`, or repeats the earlier promise; `undefined` when the
   * payment is over. Days that other payments promised to the same user, and that the reading may not show yet, count as current end: two
   * payments at the same time add up.
   *
   * `weigh`: somebody else may have completed the payment and given the days. `given` is answered where the panel's end says so.
   * `first`: nobody has claimed the payment, and it is claimed here; `unclear` is answered where only a person can say, or may (`ask`).
   */
  async promise(
    payment: Payment,
    user: PanelUser,
    { ask = false, readAt, weigh }: { ask?: boolean; readAt: Date; weigh: 'claimed' | 'first' },
  ): Promise<PromiseOutcome | undefined> {
    return this.#database.transaction().execute(async (transaction) => {
      const payments = this.#payments.within(transaction);
      await payments.serialise(`payment-user:${nameKey(user)}`);
      const row = await payments.findLocked(payment.id);
      if (!row) return undefined;
      const isUnclaimed = weigh === 'first' && isCompletedByOthers(row);
      if (isSettled(row) && !isUnclaimed) return undefined;
      const { given_by: giver, target_expire_at: givenUntil } = row.mark;
      if (giver && givenUntil) return { kind: 'given', until: new Date(givenUntil) };
      const earlier = promiseOf(row);
      if (earlier) {
        if (earlier.panelUser !== user.id)
          await payments.mark(row.id, { panel_user: user.id, panel_name: user.username });
        return { kind: 'promised', promised: { ...earlier, panelUser: user.id } };
      }
      const sold = {
        ...row,
        purchase: decided(row),
        mark: { ...row.mark, paid_at: payment.mark.paid_at ?? row.mark.paid_at },
      };
      if (row.status === 'completed' && sold.purchase.kind === 'period' && !endsByDecision(row.mark)) {
        const evidence = evidenceOf(user.expireAt, sold, await payments.completedFor(ownersOf(row, user), user));
        if (evidence === 'given') {
          await payments.mark(row.id, {
            ...(isUnclaimed && claimOf(sold.mark)),
            ...{ given_by: 'backend', panel_user: user.id, panel_name: user.username },
            target_expire_at: user.expireAt.toISOString(),
          });
          return { kind: 'given', until: user.expireAt };
        }
        if (evidence === 'unclear' && weigh === 'first') return { kind: 'unclear' };
      }
      if (ask && weigh === 'first') return { kind: 'unclear' };
      const others = await payments.latestTarget(ownersOf(row, user), user, readAt);
      const { basis, target } = datesOf(sold, user, { readAt, others });
      const recordedAt = await payments.clock();
      await payments.mark(row.id, {
        ...(isUnclaimed && claimOf(sold.mark)),
        panel_user: user.id,
        panel_name: user.username,
        basis: basis.toISOString(),
        target_expire_at: target.toISOString(),
        recorded_at: recordedAt.toISOString(),
      });
      return { kind: 'promised', promised: { panelUser: user.id, basis, target, recordedAt } };
    });
  }

  /**
   * The date until which the panel must let this user in now: the promised one, or a later one that other payments of the same user built
   * upon it.
   */
  async wanted(payment: Payment, { recordedAt, target }: Promised, user: PanelUser): Promise<Date> {
    const later = await this.#payments.latestTarget(ownersOf(payment, user), user, recordedAt);
    return later && later > target ? later : target;
  }
}

/** The earlier promise of this payment, if there is one. */
function promiseOf({ mark }: Payment): Promised | undefined {
  const { panel_user: panelUser, basis, target_expire_at: target, recorded_at: recordedAt } = mark;
  if (panelUser === undefined || !basis || !target || !recordedAt) return undefined;
  return { panelUser, basis: new Date(basis), target: new Date(target), recordedAt: new Date(recordedAt) };
}

/** A period counts from the later of now and the current end; an upgrade from the day of the order, and is not stacked on the old rest. */
function datesOf(
  { createdAt, purchase }: Payment,
  { expireAt }: PanelUser,
  { readAt, others }: { readAt: Date; others: Date | undefined },
): { basis: Date; target: Date } {
  const current = Math.max(readAt.getTime(), expireAt.getTime(), others?.getTime() ?? 0);
  const basis = purchase.kind === 'upgrade' ? createdAt.getTime() : current;
  const target = basis + days(boughtDays(purchase));
  // A user without an end keeps having none.
  if (target > END_OF_TIME_MS) return { basis: expireAt, target: expireAt };
  return { basis: new Date(basis), target: new Date(target) };
}

/** What a person's decision makes of the purchase: days in spite of what stands in the row. */
export function decided({ mark: { decision }, purchase }: Payment): Purchase {
  if (decision?.act !== 'extend') return purchase;
  const bought = decision.days ?? purchase.days;
  return purchase.kind === 'upgrade' ? { ...purchase, days: bought } : { kind: 'period', days: bought };
}

const claimOf = ({ attempts, paid_at: paidAt }: PaymentMark): PaymentMark => ({
  activation: 'pending',
  attempts: (attempts ?? 0) + 1,
  ...(paidAt !== undefined && { paid_at: paidAt }),
});

/** The unique key of a completion: while one of this invoice waits or runs, another is not queued. */
export const completionKey = (invoiceId: string): string => `payment:${invoiceId}`;

/** The key of a panel user that survives an upgrade of the panel: usernames differ by more than case. */
const nameKey = ({ username }: PanelUser): string => username.toLowerCase();

/** Whether somebody else completed the payment, and nobody has said what becomes of its days. */
export const isCompletedByOthers = ({ mark, status }: Payment): boolean =>
  status === 'completed' && mark.activation === undefined && mark.closed === undefined;

/**
 * Whether nothing remains to be done: the payment is active, or has ended otherwise. A completed row without our mark was completed by
 * others.
 */
export function isSettled({ status, mark }: Payment): boolean {
  if (mark.closed || status === 'refunded') return true;
  if (endsByDecision(mark)) return mark.activation === 'done';
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
