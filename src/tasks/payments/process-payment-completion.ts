import { z } from 'zod';
import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import type { Completion } from '../../domain/payments/completion.ts';
import type { CryptobotInvoices } from '../../domain/payments/cryptobot-invoices.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage, PermanentError, TransientError } from '../../lib/errors.ts';
import { taskFailed } from '../../messages/alerts.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import { defineTask } from '../../runtime/define-task.ts';
import processNotificationQueue from '../notifications/process-notification-queue.ts';

/** Deliveries of this age may still wait to be marked; nothing looks at older ones. */
const WEBHOOKS_WITHIN_MS = days(1);

const payload = z
  .object({
    payment_id: z.guid().nullish().describe('`payments.id`; found by its invoice where a signed body is given'),
    invoice_data: z
      .looseObject({ invoice_id: z.union([z.string(), z.int().transform(String)]).optional() })
      .nullish()
      .describe('What the producer knows of the invoice. Not believed: it is read again at Crypto Pay'),
    provider: z
      .string()
      .nullish()
      .transform((provider) => provider ?? 'cryptobot'),
    raw_body: z.string().nullish().describe('Exact body of a webhook of Crypto Pay'),
    signature: z.string().nullish().describe('Its `crypto-pay-api-signature`'),
  })
  .refine((given) => Boolean(given.payment_id ?? given.raw_body), {
    error: 'must be given, or raw_body with its signature',
    path: ['payment_id'],
  })
  .meta({ 'x-example': { payment_id: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b11' } });

/** Takes one paid payment to active, completed and told. Run twice, or twice at once, it extends once. */
export default defineTask({
  name: 'process_payment_completion',
  summary: {
    en: 'Extends the subscription of one paid CryptoBot payment and tells the customer',
    ru: 'Продлевает подписку по одному оплаченному платежу CryptoBot и сообщает клиенту',
  },
  payload,
  args: ['payment_id', 'invoice_data', 'provider'],
  retry: {
    delaysMs: [seconds(30), minutes(2), minutes(10)],
    exhausted: 'log',
    /** The alert names the payment, the panel user and the date, so that an admin can act. `verify_pending_payments` keeps trying. */
    async onExhausted(given, { alerts, attempt, entitlements, jobId, now, payments, task }, failure) {
      const error = errorMessage(failure);
      const payment = await found(given, payments, entitlements.invoices).catch(() => undefined);
      if (payment) return entitlements.alarms.notActive(payment, { attempts: attempt, error });
      const facts = {
        task: task.name,
        jobId,
        attempts: attempt,
        critical: true,
        code: errorCode(failure),
        error,
      };
      await alerts.raise({
        kind: 'payment_activation',
        subject: given.payment_id ?? jobId,
        at: now,
        severity: 'critical',
        job: jobId,
        message: (locale) => taskFailed(facts, locale),
      });
    },
  },
  counts: {
    completed: 'Payments settled, and active where they bought time',
    already: 'Payments that were over before',
    not_paid: 'Payments whose invoice is not paid',
    waiting: 'Payments whose panel user the backend has still to make',
    left: 'Gifts that only the backend can complete',
    mismatched: 'Paid invoices that do not fit their payment',
    unresolved: 'Paid payments whose panel user is unclear',
    in_vain: 'Invoices paid for a payment that was over',
    asked: 'Payments that a person must decide on',
    unknown: 'Paid invoices without a payment',
  },
  needs: ['alerts', 'entitlements', 'payments', 'webhookLogs'],

  async run(given, { enqueue, enqueuedAt, entitlements, initiatedBy, log, now, payments, signal, webhookLogs }) {
    const counts = {
      ...{ completed: 0, already: 0, not_paid: 0, waiting: 0, left: 0 },
      ...{ mismatched: 0, unresolved: 0, in_vain: 0, asked: 0, unknown: 0 },
    };
    const { alarms, closing, completion, invoices, observer } = entitlements;
    const told = given.raw_body ? invoices.fromWebhook(given.raw_body, given.signature ?? undefined) : undefined;
    const payment = await found(given, payments, invoices);
    if (!payment) {
      log.warn({ invoice_id: told?.id }, 'paid invoice fits no payment, retry_failed_webhooks looks again');
      return { ...counts, unknown: 1 };
    }
    assertOurs(payment, given.provider, told?.id ?? given.invoice_data?.invoice_id);

    const readInvoice = async (): Promise<Invoice> => told ?? invoices.of(payment, signal);
    const outcome = await completion.complete(payment, readInvoice, signal);
    if (outcome === 'already' && initiatedBy === 'taskiq' && wasLeftUnfinished(payment, enqueuedAt)) {
      await alarms.unfinished(payment);
    }
    if (outcome === 'in_vain' && payment.status === 'failed') await closing.late(payment, signal);
    log.info({ payment_id: payment.id, outcome }, 'payment looked at');
    observer.paymentVerified(outcome);
    if (!isOpen(outcome) && payment.invoiceId !== undefined) {
      await webhookLogs.markInvoiceProcessed(payment.invoiceId, new Date(now.getTime() - WEBHOOKS_WITHIN_MS));
    }
    if (outcome === 'completed') {
      const options = { uniqueKey: processNotificationQueue.name, afterActive: true };
      await enqueue(processNotificationQueue, {}, options).catch((err: unknown) =>
        log.warn({ err }, 'delivery not signalled'),
      );
    }
    return { ...counts, [outcome]: 1 };
  },
});

/** Whether the payment is looked at again, so that its webhook is not over either. */
const isOpen = (outcome: Completion): boolean => outcome === 'not_paid' || outcome === 'waiting' || outcome === 'left';

/**
 * Finds the payment of the job. A named payment that is missing may just not be committed yet; a webhook's payment may have no row at all.
 */
async function found(
  { payment_id: id, raw_body: body, signature }: z.output<typeof payload>,
  payments: Payments,
  invoices: CryptobotInvoices,
): Promise<Payment | undefined> {
  if (id) {
    const payment = await payments.find(id);
    if (payment) return payment;
    throw new TransientError('payment_unknown', `payments: there is no payment ${id}; was it rolled back?`);
  }
  const candidates = await payments.byInvoice(invoices.fromWebhook(body!, signature ?? undefined).id);
  return candidates.find(({ status }) => status === 'pending') ?? candidates[0];
}

/**
 * Whether somebody else completed the payment after this message about it was sent. A Python worker sets `completed` first, then calls the
 * panel, and acknowledges at the end. A worker that dies in between leaves the message to us, and nothing says how far it came.
 */
function wasLeftUnfinished({ mark, status, updatedAt }: Payment, sentAt: Date): boolean {
  return status === 'completed' && mark.activation === undefined && updatedAt >= sentAt;
}

function assertOurs(payment: Payment, provider: string, invoiceId: string | undefined): void {
  const { id } = payment;
  if (provider !== 'cryptobot' || payment.provider !== 'cryptobot') {
    const message = `payment ${id}: its provider is ${payment.provider}, asked for was ${provider}; only cryptobot is completed here`;
    throw new PermanentError('payment_provider', message);
  }
  if (invoiceId === undefined || invoiceId === payment.invoiceId) return;
  const message = `payment ${id}: its invoice is ${payment.invoiceId ?? 'none'}, not ${invoiceId}; nothing was done`;
  throw new PermanentError('payment_invoice_differs', message);
}
