import type { Database } from '../../repositories/database.ts';
import { type NewNotification, Notifications } from '../../repositories/notifications.ts';
import type { Payment, Payments } from '../../repositories/payments.ts';

/** How a payment's row changes its status: by this worker, or through the backend and all that it does besides. */
export type PaymentSettlement = {
  readonly by: 'worker' | 'backend';
  /** Does what must have happened before days are given for a paid invoice. May run twice. */
  paid(payment: Payment, signal: AbortSignal): Promise<void>;
  /** Takes an unpaid payment to `failed` and queues the notice. False when it was paid or ended meanwhile. May run twice. */
  unpaid(payment: Payment, notice: NewNotification | undefined, signal: AbortSignal): Promise<boolean>;
};

/** Without a backend: guarded updates of our own. Commissions, wallet and orders of the platform do not run; reports say so. */
export function settleHere(database: Database, payments: Payments): PaymentSettlement {
  return {
    by: 'worker',
    async paid() {
      // The row becomes `completed` at the end, together with the message: not before the panel has the days.
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
