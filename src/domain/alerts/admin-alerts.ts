import { randomUUID } from 'node:crypto';
import { seconds } from '../../lib/duration.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Severity } from '../../messages/alerts.ts';
import type { Log } from '../../observability/log.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import { ALERT_MERGE_MS } from '../notifications/policy.ts';
import type { TelegramSender } from '../notifications/sender.ts';
import { type AdminRow, rowForEachAdmin } from './admin-rows.ts';

export type Alert = {
  /** What is merged with each other: `node_offline`. At most 44 characters, of few values. */
  kind: string;
  severity: Severity;
  message: (locale: Locale) => Html;
};

export type AdminAlertsOptions = {
  notifications: Notifications;
  sender: TelegramSender;
  adminIds: readonly number[];
  locale: Locale;
  log: Log;
  /** Makes the queue be looked at now instead of at its next turn. Its failure delays an alert by one turn. */
  signalDelivery(): Promise<void>;
};

/** A direct send ends after this: 2 s for its turn and 20 s for Telegram. */
const DIRECT_SEND_MS = seconds(22);

/**
 * Tells the admins. An alert is a row of `notification_queue`, so it survives everything that a message survives; the first of a kind
 * goes out at once, further ones within 10 minutes leave as one message with their count. While PostgreSQL is away, or Redis without
 * which nobody delivers the queue, it is sent straight to Telegram instead.
 */
export class AdminAlerts {
  readonly #options: AdminAlertsOptions;
  /** When a kind was last sent without the database, which then cannot merge. Bounded by the number of kinds. */
  readonly #sentDirectly = new Map<string, number>();

  constructor(options: AdminAlertsOptions) {
    this.#options = options;
  }

  /** Never throws: what raised the alert must go on. A failure to tell anybody is logged as an error with the alert's text. */
  async raise(alert: Alert): Promise<void> {
    const { adminIds, locale, log, notifications, signalDelivery } = this.#options;
    const message = alert.message(locale).toString();
    log.warn({ alert: alert.kind, severity: alert.severity }, 'alert raised');
    const rows = rowForEachAdmin(adminIds, { idOf: () => randomUUID(), message, type: `alert:${alert.kind}` });
    try {
      for (const row of rows) await notifications.insertAlert(row, ALERT_MERGE_MS);
    } catch (error) {
      log.warn({ err: error, alert: alert.kind }, 'alert can not be queued, sending it directly');
      await this.#sendDirectly(alert.kind, rows);
      return;
    }
    try {
      await signalDelivery();
    } catch (error) {
      log.warn({ err: error, alert: alert.kind }, 'delivery can not be signalled, sending the alert directly');
      const sent = await this.#sendDirectly(alert.kind, rows);
      await notifications
        .markSent(sent)
        .catch((err: unknown) => log.warn({ err }, 'alert sent directly but not marked so, it may arrive twice'));
    }
  }

  /** Answers what Telegram took. */
  async #sendDirectly(kind: string, rows: readonly AdminRow[]): Promise<{ id: string; dueAt: Date; sentAt: Date }[]> {
    const { log, sender } = this.#options;
    const now = performance.now();
    if (now - (this.#sentDirectly.get(kind) ?? -ALERT_MERGE_MS) < ALERT_MERGE_MS) return [];
    this.#sentDirectly.set(kind, now);
    const sent: { id: string; dueAt: Date; sentAt: Date }[] = [];
    for (const { id, telegramId, message: text } of rows) {
      const message = { id, telegramId, text, parseMode: 'HTML', lane: 'urgent' } as const;
      try {
        const delivery = await sender.sendDirectly(message, AbortSignal.timeout(DIRECT_SEND_MS));
        if (delivery.kind === 'sent') sent.push({ id, dueAt: delivery.sentAt, sentAt: delivery.sentAt });
      } catch (error) {
        log.error({ err: error, alert: kind, text }, 'alert reached nobody');
      }
    }
    return sent;
  }
}
