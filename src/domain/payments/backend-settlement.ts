import { seconds } from '../../lib/duration.ts';
import { SnoozeError, TransientError } from '../../lib/errors.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { BackendTelling } from './backend-telling.ts';
import type { PaymentSettlement } from './settlement.ts';

/** A completion that waits looks again at least this often: the webhook may have completed the payment meanwhile. */
const LOOK_AGAIN_MS = seconds(15);
/** Nobody waits for an unpaid payment to end: it takes a turn that comes soon, and leaves the others to those who have paid. */
const UNPAID_HORIZON_MS = seconds(2);

export type BackendSettlementOptions = {
  telling: BackendTelling;
  payments: Payments;
  notifications: Notifications;
};

/**
 * Settles through the backend, which is called as Crypto Pay would call it. The backend does commissions, wallet and orders, and changes
 * the row.
 */
export function settleThroughBackend({
  telling,
  payments,
  notifications,
}: BackendSettlementOptions): PaymentSettlement {
  return {
    by: 'backend',
    async paid(payment, signal) {
      if (payment.status === 'completed') return;
      const { paid_at: paidAt } = payment.mark;
      const since = paidAt === undefined ? undefined : new Date(paidAt);
      const horizonMs = Number.MAX_SAFE_INTEGER;
      const tale = await telling.tell('invoice_paid', payment, { horizonMs, signal, since });
      if (tale.kind === 'later') {
        const delayMs = Math.max(1, Math.min(tale.waitMs, LOOK_AGAIN_MS));
        throw new SnoozeError(`payment ${payment.id}: the backend is not told yet: ${tale.why}`, { delayMs });
      }
      if (tale.status === 'completed') return;
      const message = `payment ${payment.id}: it became ${tale.status} while its invoice ${payment.invoiceId} was paid; see the log of the backend`;
      throw new TransientError('backend_not_completed', message);
    },
    async unpaid(payment, notice, expiredAt, signal) {
      // Without an invoice there is nothing to tell the backend: no gateway, no attempt and no order waits for this payment.
      const { id, invoiceId } = payment;
      if (invoiceId === undefined) {
        if (!(await payments.fail(id, { settled_by: 'worker' }))) return false;
      } else {
        const options = { horizonMs: UNPAID_HORIZON_MS, signal, since: expiredAt };
        const tale = await telling.tell('invoice_expired', payment, options);
        if (tale.kind === 'later' || tale.status !== 'failed') return false;
      }
      if (notice) await notifications.insert([notice]);
      return true;
    },
  };
}
