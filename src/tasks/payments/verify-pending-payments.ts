import { z } from 'zod';
import { completionKey } from '../../domain/payments/ledger.ts';
import { isWorthTelling, verdictOn } from '../../domain/payments/verdict.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import type { Payment } from '../../repositories/payments.ts';
import { defineTask } from '../../runtime/define-task.ts';
import processPaymentCompletion from './process-payment-completion.ts';

/** Ids in one request to Crypto Pay, and rows in one statement. */
const PAGE = 1_000;

/** A payment that is completed but not active is searched among payments of this age: the column has no index. */
const RESUMED_WITHIN_MS = days(90);

/** Asks Crypto Pay about pending payments and enqueues one job for each paid one. Running it twice changes nothing more. */
export default defineTask({
  name: 'verify_pending_payments',
  summary: 'Asks Crypto Pay about pending payments, completes paid ones and ends the others',
  payload: z.object({}),
  schedule: { cron: '*/5 * * * *' },
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert-critical' },
  counts: {
    checked: 'Pending payments looked at',
    paid: `Paid ones handed to ${processPaymentCompletion.name}`,
    failed: 'Payments ended unpaid',
    mismatched: 'Paid ones that wait for an admin',
    resumed: 'Completed payments whose activation is taken up again',
    postponed: 'Unpaid ones that could not be ended now',
  },
  needs: ['entitlements', 'payments'],

  async run(_, { enqueue, entitlements, log, now, payments, signal }) {
    const counts = { checked: 0, paid: 0, failed: 0, mismatched: 0, resumed: 0, postponed: 0 };
    const { closing, invoices, observer } = entitlements;
    const complete = ({ id, invoiceId }: Payment) =>
      enqueue(processPaymentCompletion, { payment_id: id }, { uniqueKey: completionKey(invoiceId ?? id) });

    for (const payment of await payments.completedNotActive(new Date(now.getTime() - RESUMED_WITHIN_MS), PAGE)) {
      await complete(payment);
      counts.resumed += 1;
    }

    const fail = async (payment: Payment): Promise<void> => {
      try {
        const isFailed = await closing.unpaid(payment, isWorthTelling(payment, now), signal);
        counts[isFailed ? 'failed' : 'postponed'] += 1;
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err, payment_id: payment.id }, 'unpaid payment could not be ended, the next run tries again');
        counts.postponed += 1;
      }
    };

    let lastId: string | undefined;
    let page: Payment[];
    do {
      page = await payments.pending(lastId, PAGE);
      const known = await invoices.byId(
        page.filter(({ mark }) => mark.activation === undefined).map(({ invoiceId }) => invoiceId),
        signal,
      );
      for (const payment of page) {
        signal.throwIfAborted();
        const invoice = payment.invoiceId === undefined ? undefined : known.get(payment.invoiceId);
        const verdict = verdictOn(payment, invoice, now);
        observer.paymentVerified(invoice?.status ?? 'unknown');
        counts.checked += 1;
        if (verdict === 'complete') {
          await complete(payment);
          counts.paid += 1;
        } else if (verdict === 'fail') await fail(payment);
        else if (verdict === 'mismatched') counts.mismatched += 1;
      }
      lastId = page.at(-1)?.id;
    } while (page.length === PAGE);
    return counts;
  },
});
