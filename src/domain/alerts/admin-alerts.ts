import { randomUUID } from 'node:crypto';
import { within } from '../../lib/deadline.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { repeatedAlert, timedAlert } from '../../messages/alerts.ts';
import type { Log } from '../../observability/log.ts';
import { alertRowId, endRowId } from '../../repositories/alert-row-id.ts';
import type { AlertRow, AlertRows } from '../../repositories/alert-rows.ts';
import type { DueNotification, Notifications } from '../../repositories/notifications.ts';
import type { AlertAbout, AlertCards } from '../../repositories/redis/alerts/alert-cards.ts';
import { type AlertHistory, noteRaised } from '../history/alert-notes.ts';
import type { Alert, AlertBegin } from './alert.ts';
import type { StaffSender } from './staff-sender.ts';

/** The end of an alert whose beginning was told. */
export type AlertEnding = {
  begin: Pick<AlertBegin, 'kind' | 'subject' | 'at'>;
  /** Whether somebody is known to have told the beginning; the row of it says more, where there is one. */
  isTold: boolean;
  /** Somebody has acknowledged or muted it: those who were not told of its beginning are not told that it is past. */
  isAnswered: boolean;
  /** `told` says whether the admin has heard of the beginning. */
  message: (told: boolean, locale: Locale) => Html;
};

export type AdminAlertsOptions = {
  rows: AlertRows;
  notifications: Pick<Notifications, 'markSent'>;
  sender: Pick<StaffSender, 'sendDirectly'>;
  /** Remembers what rows are about, for their buttons; undefined where alerts have none. */
  facts: Pick<AlertCards, 'noteFacts'> | undefined;
  adminIds: readonly number[];
  locale: Locale;
  log: Log;
  history: AlertHistory;
  /** Makes the queue be looked at now instead of at its next turn. Its failure delays an alert by one turn. */
  signalDelivery(): Promise<void>;
};

/** Repetitions about one subject within this leave as one message. */
const REPEAT_WITHIN_MS = minutes(10);

/** A direct send ends after this: 2 s for its turn and 20 s for Telegram. */
const DIRECT_SEND_MS = seconds(22);

/** An alert waits no longer for its buttons. */
const FACTS_LIMIT_MS = seconds(2);

/** So many direct sends are remembered: more alerts than an outage of the database brings. */
const DIRECT_REMEMBERED = 1_000;

/**
 * Tells the admins. An alert is a row of `notification_queue`, so it survives everything that a message survives, and nothing holds it
 * back but an earlier alert about the same subject. While PostgreSQL is away, or Redis without which nobody delivers the queue, it is
 * sent straight to Telegram instead.
 */
export class AdminAlerts {
  readonly #options: AdminAlertsOptions;
  /** When an alert was sent past the queue, on the monotonic clock: by row for beginnings, by kind and subject for the others. */
  readonly #sentDirectly = new Map<string, number>();

  constructor(options: AdminAlertsOptions) {
    this.#options = options;
  }

  /**
   * Never throws: what raised the alert must go on. Answers whether it is queued or has reached somebody, now or lately; a failure to
   * tell anybody is logged as an error with the alert's text.
   */
  async raise(alert: Alert): Promise<boolean> {
    const text = this.#textOf(alert);
    const isTold = await this.#raise(alert, text);
    noteRaised(this.#options.history, alert, text, isTold ? new Date() : undefined);
    return isTold;
  }

  async #raise(alert: Alert, text: string): Promise<boolean> {
    const { locale, log, rows } = this.#options;
    log.warn({ alert: alert.kind, severity: alert.severity }, 'alert raised');
    const key = randomUUID();
    const all = this.#rowsOf(alert, 'event', text, key);
    const { job, kind, subject } = alert;
    const name = `${kind}:${subject}`;
    await this.#noteFacts(all, { alert: name, kind, subject, lasts: false, job });
    try {
      for (const row of all) {
        const repeatId = alertRowId({ ...this.#about(alert, row.telegramId), phase: 'repeat', key });
        const policy = { mergeMs: REPEAT_WITHIN_MS, onceWithinMs: alert.onceWithinMs };
        await rows.event({ ...row, repeatId }, policy, (waiting) => repeatedAlert(text, waiting, locale));
      }
    } catch (error) {
      log.warn({ err: error, alert: alert.kind }, 'alert cannot be queued, sending it directly');
      await this.#sendDirectly(all, () => name);
      return this.#sentDirectly.has(name);
    }
    await this.#deliver(all, () => name);
    return true;
  }

  /** Tells what is on from now on, each to every admin. Never throws. Answers whether it is queued or has reached somebody. */
  async begin(begins: readonly AlertBegin[]): Promise<boolean> {
    if (begins.length === 0) return true;
    const { log, rows } = this.#options;
    for (const { kind, severity } of begins) log.warn({ alert: kind, severity }, 'alert raised');
    const rowsOf = begins.map((alert) => this.#rowsOf(alert, 'beginning', this.#textOf(alert)));
    await Promise.all(
      begins.map(({ kind, subject }, i) => this.#noteFacts(rowsOf[i]!, { alert: subject, kind, subject, lasts: true })),
    );
    const all = rowsOf.flat();
    try {
      const added = new Set(await rows.begin(all));
      await this.#deliver(
        all.filter(({ id }) => added.has(id)),
        ({ id }) => id,
      );
      return true;
    } catch (error) {
      log.warn({ err: error, alerts: begins.length }, 'alerts cannot be queued, sending them directly');
      await this.#sendDirectly(all, ({ id }) => id);
      return all.some(({ id }) => this.#sentDirectly.has(id));
    }
  }

  /**
   * Tells that these are over: RESOLVED to those who were told of the beginning, what was and when to the others. Never throws. False
   * where the database does not answer: nobody was told, and the caller comes again.
   */
  async end(endings: readonly AlertEnding[]): Promise<boolean> {
    const { adminIds, locale, log, rows } = this.#options;
    const ends = endings.flatMap(({ begin, isAnswered, isTold, message }) => {
      const [resolved, past] = [true, false].map((told) => message(told, locale).toString()) as [string, string];
      return adminIds.map((telegramId) => {
        const beginId = alertRowId({ ...this.#about(begin, telegramId), phase: 'beginning' });
        return {
          id: endRowId(beginId)!,
          beginId,
          ...{ isAnswered, isTold },
          resolved,
          past,
          telegramId,
          type: `alert:${begin.kind}_ended`,
        };
      });
    });
    try {
      await this.#deliver(await rows.end(ends), ({ id }) => id);
      return true;
    } catch (error) {
      log.warn({ err: error, alerts: endings.length }, 'the end of alerts cannot be queued yet');
      return false;
    }
  }

  /** Takes back what waits of a beginning: somebody takes care of it. It is not over for those who were told. Never throws. */
  async hush(begin: Pick<AlertBegin, 'kind' | 'subject' | 'at'>): Promise<void> {
    const { adminIds, log, rows } = this.#options;
    const about = (telegramId: number) => ({ ...this.#about(begin, telegramId), phase: 'beginning' as const });
    await rows
      .hush(adminIds.map((telegramId) => alertRowId(about(telegramId))))
      .catch((err: unknown) => log.warn({ err }, 'an alert that was answered may still be told'));
  }

  /** Takes beginnings back that nobody has heard of. Never throws; false where the database does not answer. */
  async withdraw(begins: readonly Pick<AlertBegin, 'kind' | 'subject' | 'at'>[]): Promise<boolean> {
    const { adminIds, log, rows } = this.#options;
    const all = begins.flatMap((begin) =>
      adminIds.map((telegramId) => ({
        id: alertRowId({ ...this.#about(begin, telegramId), phase: 'beginning' }),
        telegramId,
        type: `alert:${begin.kind}`,
      })),
    );
    try {
      await rows.withdraw(all);
      return true;
    } catch (error) {
      log.warn({ err: error, alerts: begins.length }, 'alerts cannot be withdrawn yet');
      return false;
    }
  }

  /** Whether a claimed row tells the beginning of something whose end is queued already. Never throws: unknown is sent, with its time. */
  async isOver({ id, type }: Pick<DueNotification, 'id' | 'type'>): Promise<boolean> {
    if (!type.startsWith('alert:') || endRowId(id) === undefined) return false;
    return await this.#options.rows.isOver(id).catch(() => false);
  }

  /** Since when each of these is on by what the admins were told; undefined where it is not. Throws while the database is away. */
  async stillOn(begins: readonly Pick<AlertBegin, 'kind' | 'subject'>[]): Promise<(Date | undefined)[]> {
    const [admin] = this.#options.adminIds;
    if (admin === undefined) return begins.map(() => undefined);
    const at = new Date(0);
    return await this.#options.rows.stillOn(
      begins.map((begin) => alertRowId({ ...this.#about({ ...begin, at }, admin), phase: 'beginning' })),
    );
  }

  #textOf({ at, message }: Pick<Alert, 'at' | 'message'>): string {
    return timedAlert(message(this.#options.locale), at).toString();
  }

  #rowsOf(alert: AlertBegin, phase: 'beginning' | 'event', message: string, key?: string): AlertRow[] {
    return this.#options.adminIds.map((telegramId) => ({
      id: alertRowId({ ...this.#about(alert, telegramId), phase, ...(key !== undefined && { key }) }),
      telegramId,
      message,
      type: `alert:${alert.kind}`,
    }));
  }

  /** Without them the alert goes out without buttons. */
  async #noteFacts(rows: readonly AlertRow[], about: AlertAbout): Promise<void> {
    const { facts, log } = this.#options;
    if (!facts) return;
    const noted = facts.noteFacts(
      rows.map(({ id }) => id),
      about,
    );
    await within(FACTS_LIMIT_MS, noted).catch((err: unknown) => log.debug({ err }, 'an alert goes without buttons'));
  }

  #about({ at, kind, subject }: Pick<Alert, 'at' | 'kind' | 'subject'>, telegramId: number) {
    return { subject: `${kind}:${subject}`, telegramId, at };
  }

  /** Has queued rows delivered now. Without Redis nobody does: then they go straight to Telegram. */
  async #deliver(rows: readonly AlertRow[], nameOf: (row: AlertRow) => string): Promise<void> {
    if (rows.length === 0) return;
    const { log, notifications, signalDelivery } = this.#options;
    try {
      await signalDelivery();
    } catch (error) {
      log.warn({ err: error, alerts: rows.length }, 'delivery cannot be signalled, sending the alerts directly');
      const sent = await this.#sendDirectly(rows, nameOf);
      await notifications
        .markSent(sent)
        .catch((err: unknown) => log.warn({ err }, 'alert sent directly but not marked so, it may arrive twice'));
    }
  }

  /** Sends what was not sent under its name within ten minutes. Answers what Telegram took. */
  async #sendDirectly(
    rows: readonly AlertRow[],
    nameOf: (row: AlertRow) => string,
  ): Promise<{ id: string; dueAt: Date; sentAt: Date }[]> {
    const { log, sender } = this.#options;
    const now = performance.now();
    const since = (row: AlertRow): number => now - (this.#sentDirectly.get(nameOf(row)) ?? -REPEAT_WITHIN_MS);
    const fresh = rows.filter((row) => since(row) >= REPEAT_WITHIN_MS);
    const sent: { id: string; dueAt: Date; sentAt: Date }[] = [];
    for (const row of fresh) {
      const { id, telegramId, message: text } = row;
      const message = { id, telegramId, text, parseMode: 'HTML', lane: 'urgent' } as const;
      try {
        const delivery = await sender.sendDirectly(message, AbortSignal.timeout(DIRECT_SEND_MS));
        if (delivery.kind === 'sent') sent.push({ id, dueAt: delivery.sentAt, sentAt: delivery.sentAt });
        this.#remember(nameOf(row), now);
      } catch (error) {
        log.error({ err: error, alert: row.type, text }, 'alert reached nobody');
      }
    }
    return sent;
  }

  #remember(name: string, at: number): void {
    this.#sentDirectly.delete(name);
    this.#sentDirectly.set(name, at);
    const [oldest] = this.#sentDirectly.keys();
    if (this.#sentDirectly.size > DIRECT_REMEMBERED && oldest !== undefined) this.#sentDirectly.delete(oldest);
  }
}
