import { z } from 'zod';
import { completionKey, isSettled } from '../../domain/payments/ledger.ts';
import { subjectOf, type WebhookSubject } from '../../domain/payments/webhook-reference.ts';
import { chunks } from '../../lib/chunks.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage } from '../../lib/errors.ts';
import { holeInWords, type Listing } from '../../lib/read-each.ts';
import { webhooksGivenUp } from '../../messages/payment-alerts.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { RowPage } from '../../repositories/row-page.ts';
import type { UnprocessedWebhook } from '../../repositories/webhook-logs.ts';
import { defineTask } from '../../runtime/define-task.ts';
import checkServerHealth from '../monitoring/check-server-health.ts';
import syncUserStats from '../sync/sync-user-stats.ts';
import processPaymentCompletion from './process-payment-completion.ts';

const WEBHOOKS_WITHIN_MS = days(1);
/** An invoice is open for at most 31 days. */
const PAYMENTS_WITHIN_MS = days(32);
const TRIES = 3;
const PAGE = 1_000;
/** Webhooks that were given up are named in alerts of so many, which each fit into one message. */
const NAMED_AT_ONCE = 25;

/** The task that refreshes everything that an event of this kind may have changed. */
const REFRESHED_BY = { user: syncUserStats, server: checkServerHealth } as const;

type Remaining = 'done' | 'waiting' | { trouble: string };

/** Handles valid webhooks that nobody has handled. The platform never marks a handled one, so most of them only get their mark. */
export default defineTask({
  name: 'retry_failed_webhooks',
  summary: {
    en: 'Takes up valid webhooks of the last day that were not processed',
    ru: 'Берётся за верные вебхуки последнего дня, которые не были обработаны',
  },
  payload: z.object({}),
  schedule: { cron: '*/30 * * * *' },
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert-critical' },
  counts: {
    checked: 'Unprocessed webhooks looked at',
    processed: 'Webhooks marked as processed',
    dispatched: `Payments handed to ${processPaymentCompletion.name}`,
    failed: 'Tries that failed',
    given_up: 'Webhooks given up after the last try',
  },
  needs: ['alerts', 'backendKeys', 'events', 'payments', 'webhookLogs'],

  async run(_, { alerts, backendKeys, enqueue, events, log, now, payments, signal, webhookLogs }) {
    const counts = { checked: 0, processed: 0, dispatched: 0, failed: 0, given_up: 0 };
    const givenUp: { id: string; eventType: string; reason: string }[] = [];
    const refreshed = { user: 0, server: 0 };

    /**
     * `done` where nothing remains of a payment's webhook; `waiting` where a job completes the payment, which has retries and alerts of its
     * own; else the trouble, which counts as a failed try.
     */
    const remaining = async (
      subject: Extract<WebhookSubject, { kind: 'payment' }>,
      known: ReadonlyMap<string, Listing<Payment>>,
    ): Promise<Remaining> => {
      if (!subject.isPaid) return 'done';
      const { fingerprint, paymentId } = subject;
      const named = paymentId === undefined ? undefined : await payments.find(paymentId);
      const found = (fingerprint && known.get(fingerprint)) || { items: [], holes: [] };
      const meant = named ? [named] : found.items;
      if (meant.length === 0 && found.holes[0]) return { trouble: `payment ${found.holes[0].item} cannot be read` };
      if (meant.length === 0) return { trouble: 'no payment has this invoice' };
      const open = meant.find((payment) => !isSettled(payment)) ?? meant.find(({ status }) => status === 'failed');
      if (!open) return 'done';
      const key = completionKey(open.invoiceId ?? open.id);
      await enqueue(processPaymentCompletion, { payment_id: open.id }, { uniqueKey: key });
      counts.dispatched += 1;
      return 'waiting';
    };

    let lastId: string | undefined;
    let page: RowPage<UnprocessedWebhook>;
    do {
      signal.throwIfAborted();
      page = await webhookLogs.unprocessed(new Date(now.getTime() - WEBHOOKS_WITHIN_MS), TRIES, lastId, PAGE);
      const rows = page.items.map((row) => ({ row, subject: subjectOf(row) }));
      const fingerprints = rows.flatMap(({ subject }) => (subject.kind === 'payment' && subject.fingerprint) || []);
      const known = await payments.byFingerprints(fingerprints, new Date(now.getTime() - PAYMENTS_WITHIN_MS));
      const done: string[] = [];
      const failed = page.holes.map((hole) => ({ id: hole.ids.id!, reason: holeInWords(hole) }));
      for (const { row, subject } of rows) {
        const left = subject.kind === 'payment' ? await remaining(subject, known).catch(unreadable) : 'done';
        if (subject.kind === 'user' || subject.kind === 'server') refreshed[subject.kind] += 1;
        if (subject.kind === 'user' && subject.panelUuid) await backendKeys.forgetSubscription(subject.panelUuid);
        if (left === 'done') done.push(row.id);
        if (typeof left === 'string') continue;
        const reason = left.trouble;
        failed.push({ id: row.id, reason });
        if (row.attempts + 1 >= TRIES) givenUp.push({ id: row.id, eventType: row.eventType, reason });
      }
      await webhookLogs.markProcessed(done);
      await webhookLogs.recordFailures(failed, TRIES);
      counts.checked += page.items.length + page.holes.length;
      counts.processed += done.length;
      counts.failed += failed.length;
      lastId = page.lastId;
    } while (page.isFull);

    for (const kind of ['user', 'server'] as const) {
      if (refreshed[kind] === 0) continue;
      const task = REFRESHED_BY[kind];
      // The task's own schedule does the same a little later, and an operator may have switched the task off.
      await enqueue(task, {}, { uniqueKey: task.name }).catch((err: unknown) =>
        log.warn({ err }, 'refresh not queued'),
      );
      await events.publish('webhook.reprocessed', { source: 'remnawave', kind, webhooks: refreshed[kind] });
    }
    counts.given_up = givenUp.length;
    for (const some of chunks(givenUp, NAMED_AT_ONCE)) {
      await alerts.raise({
        kind: 'webhook_failed',
        subject: some[0]!.id,
        at: now,
        severity: 'warning',
        message: (locale) => webhooksGivenUp(some, locale),
      });
    }
    return counts;
  },
});

/** A payment whose row cannot be read is this webhook's trouble, and no other's. */
function unreadable(error: unknown): Remaining {
  if (errorCode(error) === 'row_unreadable') return { trouble: errorMessage(error) };
  throw error;
}
