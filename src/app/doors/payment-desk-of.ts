import { completionKey } from '../../domain/payments/ledger.ts';
import { PaymentDesk } from '../../domain/payments/payment-desk.ts';
import processPaymentCompletion from '../../tasks/payments/process-payment-completion.ts';
import type { App } from '../build-app.ts';

/**
 * The payments desk with its way to the queue. A completion that runs at this moment may have read the row before the decision, so another one
 * follows it.
 */
export function paymentDeskOf({ dispatcher, parts, services }: App, source: 'cli' | 'http'): PaymentDesk {
  return new PaymentDesk({
    ...parts.deskParts,
    decisions: services.decisions,
    async handOver({ id, invoiceId }, initiatedBy) {
      const options = { uniqueKey: completionKey(invoiceId ?? id), afterActive: true, source, initiatedBy };
      return (await dispatcher.dispatch(processPaymentCompletion, { payment_id: id }, options)).jobId;
    },
  });
}
