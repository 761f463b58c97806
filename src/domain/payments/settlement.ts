import type { Database } from '../../repositories/database.ts';
import { type NewNotification, Notifications } from '../../repositories/notifications.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';

/** Changes the status of a payment's row: in this worker, or through the backend with everything else that the backend does. */
export type PaymentSettlement = {
  readonly by: 'worker' | 'backend';
  /**
   * Does everything that must happen before days are given for a paid invoice. May run twice. Throws `SnoozeError` while the payment is
   * left to somebody else.
   */
  paid(payment: Payment, signal: AbortSignal): Promise<void>;
  /**
   * Takes an unpaid payment to `failed` and queues the notice. False when it was paid or ended meanwhile, or is left to somebody else for
   * now. `expiredAt`: since when its invoice cannot be paid, where that is known. May run twice.
   */
  unpaid(
    payment: Payment,
    notice: NewNotification | undefined,
    expiredAt: Date | undefined,
    signal: AbortSignal,
  ): Promise<boolean>;
};

/** Settles without a backend, by guarded updates. The platform's commissions, wallet and orders do not run; reports say so. */
export function settleHere(database: Database, payments: Payments): PaymentSettlement {
  return {
    by: 'worker',
    async paid() {
      // The row becomes `completed` at the end, together with the message, because the panel must have the days first.
    },
    async unpaid({ id }, notice) {
      return database.transaction().execute(async (transaction) => {
        const isFailed = await payments.within(transaction).fail(id, { settled_by: 'worker' });
        if (isFailed && notice) await new Notifications(transaction).insert([notice]);
        return isFailed;
      });
    },
  };
}
