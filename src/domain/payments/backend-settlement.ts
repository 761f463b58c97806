import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendClient } from '../../clients/backend.ts';
import { seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { Payment, PaymentStatus } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { PaymentSettlement } from './settlement.ts';

/** The backend changes the row while it answers. If the row takes longer, the backend has decided otherwise. */
const WAIT_MS = seconds(3);
const LOOK_EVERY_MS = 100;

export type BackendSettlementOptions = {
  backend: BackendClient;
  payments: Payments;
  notifications: Notifications;
};

/**
 * Settles through the backend, which is called as Crypto Pay would call it. The backend does commissions, wallet and orders, and changes
 * the row.
 */
export function settleThroughBackend({
  backend,
  payments,
  notifications,
}: BackendSettlementOptions): PaymentSettlement {
  const status = async (id: string): Promise<PaymentStatus | undefined> => (await payments.find(id))?.status;

  const becomes = async ({ id }: Payment, wanted: PaymentStatus, signal: AbortSignal): Promise<boolean> => {
    const deadline = performance.now() + WAIT_MS;
    while ((await status(id)) !== wanted) {
      if (performance.now() > deadline) return false;
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
    return true;
  };

  return {
    by: 'backend',
    async paid(payment, signal) {
      if ((await status(payment.id)) === 'completed') return;
      await backend.tell('invoice_paid', { id: payment.invoiceId!, price: payment.price }, signal);
      if (await becomes(payment, 'completed', signal)) return;
      const message = `backend: took the webhook of invoice ${payment.invoiceId}, but payment ${payment.id} is not completed; see its log`;
      throw new TransientError('backend_not_completed', message);
    },
    async unpaid(payment, notice, signal) {
      // Without an invoice there is nothing to tell the backend: no gateway, no attempt and no order waits for this payment.
      const { id, invoiceId, price } = payment;
      if (invoiceId === undefined) {
        if (!(await payments.fail(id, { settled_by: 'worker' }))) return false;
      } else {
        await backend.tell('invoice_expired', { id: invoiceId, price }, signal);
        if (!(await becomes(payment, 'failed', signal))) return false;
      }
      if (notice) await notifications.insert([notice]);
      return true;
    },
  };
}
