import { z } from 'zod';
import type { Invoice } from '../../clients/cryptobot/invoice.ts';
import { completionKey } from '../../domain/payments/ledger.ts';
import { isWorthTelling, verdictOn } from '../../domain/payments/verdict.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { RowPage } from '../../repositories/row-page.ts';
import { defineTask } from '../../runtime/define-task.ts';
import processPaymentCompletion from './process-payment-completion.ts';

/** Ids in one request to Crypto Pay, and rows in one statement. */
const PAGE = 1_000;

/** A payment that is completed but not active is searched among payments of this age: the column has no index. */
const RESUMED_WITHIN_MS = days(90);

/** A run ends unpaid payments for so long, well within its time limit. The next run goes on. */
const UNPAID_FOR_MS = minutes(3);

/** Asks Crypto Pay about pending payments and enqueues one job for each paid one. Running it twice changes nothing more. */
export default defineTask({
  name: 'verify_pending_payments',
  summary: {
    en: 'Asks Crypto Pay about pending payments, completes paid ones and ends the others',
    ru: 'Спрашивает Crypto Pay об ожидающих платежах, завершает оплаченные и закрывает остальные',
  },
  payload: z.object({}),
  schedule: { cron: '*/5 * * * *' },
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert-critical' },
  counts: {
    checked: 'Pending payments looked at',
    unreadable: 'Payments left as they are because their row or their invoice cannot be read',
    paid: `Paid ones handed to ${processPaymentCompletion.name}`,
    failed: 'Payments ended unpaid; an invoice that was still open is ended first',
    mismatched: 'Paid ones that wait for an admin',
    resumed: 'Completed payments whose activation is taken up again',
    decided: 'Payments on which a person decided, handed over again in case their job was lost',
    taken_up: 'Payments that the backend completed first, handed over so that their days are given',
    postponed: 'Unpaid ones that could not be ended now',
  },
  needs: ['entitlements', 'payments'],

  async run(_, { enqueue, entitlements, log, now, payments, signal }) {
    const counts = {
      checked: 0,
      unreadable: 0,
      paid: 0,
      failed: 0,
      mismatched: 0,
      resumed: 0,
      decided: 0,
      taken_up: 0,
      postponed: 0,
    };
    const { byOthers, closing, invoices, observer } = entitlements;
    const complete = ({ id, invoiceId }: Payment) =>
      enqueue(processPaymentCompletion, { payment_id: id }, { uniqueKey: completionKey(invoiceId ?? id) });

    const finished = await payments.completedNotActive(new Date(now.getTime() - RESUMED_WITHIN_MS), PAGE);
    counts.unreadable += finished.holes.length;
    for (const payment of finished.items) {
      await complete(payment);
      counts.resumed += 1;
    }

    const decided = await payments.decided(new Date(now.getTime() - RESUMED_WITHIN_MS), PAGE);
    counts.unreadable += decided.holes.length;
    for (const payment of decided.items) {
      await complete(payment);
      counts.decided += 1;
    }

    for (const payment of await byOthers.due(now, PAGE)) {
      await complete(payment);
      counts.taken_up += 1;
    }

    const fail = async (payment: Payment, invoice: Invoice | undefined): Promise<void> => {
      try {
        const outcome = await closing.unpaid(payment, { invoice, tell: isWorthTelling(payment, now) }, signal);
        if (outcome === 'paid') await complete(payment);
        counts[outcome] += 1;
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err, payment_id: payment.id }, 'unpaid payment could not be ended, the next run tries again');
        counts.postponed += 1;
      }
    };

    const unpaid: { payment: Payment; invoice: Invoice | undefined }[] = [];
    let lastId: string | undefined;
    let page: RowPage<Payment>;
    do {
      page = await payments.pending(lastId, PAGE);
      counts.unreadable += page.holes.length;
      const { known, unreadable } = await invoices.byId(
        page.items.filter(({ mark }) => mark.activation === undefined).map(({ invoiceId }) => invoiceId),
        signal,
      );
      for (const payment of page.items) {
        signal.throwIfAborted();
        const id = payment.invoiceId ?? '';
        const invoice = unreadable.has(id) ? 'unreadable' : known.get(id);
        const verdict = verdictOn(payment, invoice, now);
        observer.paymentVerified(statusOf(invoice));
        counts.checked += 1;
        if (invoice === 'unreadable') counts.unreadable += 1;
        if (verdict === 'complete') {
          await complete(payment);
          counts.paid += 1;
        } else if (verdict === 'fail')
          unpaid.push({ payment, invoice: invoice === 'unreadable' ? undefined : invoice });
        else if (verdict === 'mismatched') counts.mismatched += 1;
      }
      lastId = page.lastId;
    } while (page.isFull);
    // After all that was paid: the backend takes one at a time, and nobody waits for these.
    const endAt = performance.now() + UNPAID_FOR_MS;
    for (const { invoice, payment } of unpaid) {
      signal.throwIfAborted();
      if (performance.now() < endAt) await fail(payment, invoice);
      else counts.postponed += 1;
    }
    return counts;
  },
});

/** The metric counts these statuses by name, so that its label has few values. */
const STATUSES: ReadonlySet<string> = new Set(['active', 'paid', 'expired']);

const statusOf = (invoice: Invoice | 'unreadable' | undefined): string =>
  typeof invoice === 'object' && STATUSES.has(invoice.status) ? invoice.status : 'unknown';
