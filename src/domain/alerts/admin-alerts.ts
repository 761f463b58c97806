import { randomUUID } from 'node:crypto';
import { within } from '../../lib/deadline.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { repeatedAlert } from '../../messages/alerts.ts';
import type { Log } from '../../observability/log.ts';
import { alertRowId, endRowId } from '../../repositories/alert-row-id.ts';
import type { AlertRows } from '../../repositories/alert-rows.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { AlertAbout, AlertCards } from '../../repositories/redis/alerts/alert-cards.ts';
import type { ActiveAlert, AlertStateStore } from '../../repositories/redis/alerts/alert-state-store.ts';
import { type AlertHistory, noteRaised } from '../history/alert-notes.ts';
import type { Alert, AlertBegin } from './alert.ts';
import type { AlertRecipients } from './alert-recipients.ts';
import type { AlertText } from './alert-text.ts';
import type { DirectAlert, DirectAlerts } from './direct-alerts.ts';
import { rowAbout, rowSubject } from './row-about.ts';

/** The end of an alert whose beginning was told. */
export type AlertEnding = {
  begin: Pick<AlertBegin, 'kind' | 'severity' | 'subject' | 'at'>;
  /** Those who were told of the beginning, where only some were. */
  toldTo: readonly number[] | undefined;
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
  direct: DirectAlerts;
  /** Remembers what rows are about, for their buttons; undefined where alerts have none. */
  facts: Pick<AlertCards, 'noteFacts'> | undefined;
  recipients: AlertRecipients;
  /** Critical alerts of what happened once, which wait to be acknowledged. */
  once: AlertStateStore;
  clock(): Date;
  locale: Locale;
  textOf: AlertText;
  log: Log;
  history: AlertHistory;
  /** Makes the queue be looked at now instead of at its next turn. Its failure delays an alert by one turn. */
  signalDelivery(): Promise<void>;
};

/** Repetitions about one subject within this leave as one message. */
const REPEAT_WITHIN_MS = minutes(10);

/** An alert waits no longer for its buttons. */
const FACTS_LIMIT_MS = seconds(2);

/**
 * Tells the admins. An alert is a row of `notification_queue`, so it survives everything that a message survives, and nothing holds it
 * back but an earlier alert about the same subject, and quiet hours where it is not critical. While PostgreSQL is away, or Redis without which nobody delivers the queue, it is
 * sent straight to Telegram instead.
 */
export class AdminAlerts {
  readonly #options: AdminAlertsOptions;
  constructor(options: AdminAlertsOptions) {
    this.#options = options;
  }

  /**
   * Never throws: what raised the alert must go on. Answers whether it is queued or has reached somebody, now or lately; a failure to
   * tell anybody is logged as an error with the alert's text.
   */
  async raise(alert: Alert): Promise<boolean> {
    const text = this.#options.textOf({ kind: alert.kind, at: alert.at }, alert.message);
    const now = this.#options.clock();
    const to = alert.only ?? this.#options.recipients.first(alert.severity, now);
    const isTold = await this.#raise({ ...alert, to }, text, now);
    noteRaised(this.#options.history, alert, text, isTold ? this.#options.clock() : undefined);
    if (isTold && alert.severity === 'critical') await this.#keep(alert, text, { now, to });
    return isTold;
  }

  async #raise(alert: Alert & { to: readonly number[] }, text: string, now: Date): Promise<boolean> {
    const { direct, locale, log, recipients, rows } = this.#options;
    log.warn({ alert: alert.kind, severity: alert.severity }, 'alert raised');
    const key = randomUUID();
    const all = this.#rowsOf(alert, 'event', text, key);
    const name = nameOf(alert);
    const waitMs = recipients.waitMs(alert.severity, now);
    const { job, kind, subject } = alert;
    await this.#noteFacts(all, { alert: name, kind, subject, lasts: false, job });
    try {
      for (const row of all) {
        const repeatId = alertRowId({ ...rowAbout(alert, row.telegramId), phase: 'repeat', key });
        const policy = { mergeMs: REPEAT_WITHIN_MS, onceWithinMs: alert.onceWithinMs, waitMs };
        await rows.event({ ...row, repeatId }, policy, (waiting) => repeatedAlert(text, waiting, locale));
      }
    } catch (error) {
      log.warn({ err: error, alert: alert.kind }, 'alert cannot be queued, sending it directly');
      await direct.send(all, () => name);
      return all.some((row) => direct.wasSent(name, row));
    }
    if (waitMs === 0) await this.#deliver(all, () => name);
    return true;
  }

  /** Keeps what happened once until somebody acknowledges it. */
  async #keep(alert: Alert, text: string, { now, to }: { now: Date; to: readonly number[] }): Promise<void> {
    const { log, once } = this.#options;
    const { kind, subject } = alert;
    const kept = { id: nameOf(alert), kind, subject, severity: 'critical', since: alert.at } as const;
    try {
      const { since } = await once.begin(kept, now, { text });
      await once.markTold([{ id: kept.id, since }], now, { to });
    } catch (err) {
      log.warn({ err, alert: kind }, 'a critical alert is told, and nobody is asked to acknowledge it');
    }
  }

  /** Tells what is on from now on, each to whom it names. Never throws. Answers whether it is queued or has reached somebody. */
  async begin(begins: readonly AlertBegin[], now: Date): Promise<boolean> {
    if (begins.length === 0) return true;
    const { direct, log, textOf } = this.#options;
    for (const { kind, severity } of begins) log.warn({ alert: kind, severity }, 'alert raised');
    const rowsOf = begins.map((alert) =>
      this.#rowsOf(
        alert,
        'beginning',
        textOf({ kind: alert.kind, id: alert.subject, at: alert.at }, alert.message),
      ).map((row) => ({ ...row, ...this.#wait(alert, now) })),
    );
    await Promise.all(
      begins.map(({ kind, subject }, i) => this.#noteFacts(rowsOf[i]!, { alert: subject, kind, subject, lasts: true })),
    );
    const all = rowsOf.flat();
    try {
      return await this.#add(all);
    } catch (error) {
      log.warn({ err: error, alerts: begins.length }, 'alerts cannot be queued, sending them directly');
      const atOnce = all.filter(({ delaySeconds }) => delaySeconds === 0);
      await direct.send(atOnce, ({ id }) => id);
      return atOnce.some((row) => direct.wasSent(row.id, row));
    }
  }

  /**
   * Tells one more time, or to others, what is on: `round` tells this telling from those before, and repeating it tells nobody twice. Throws
   * while the database is away.
   */
  async again(alert: ActiveAlert, text: string, round: string, to: readonly number[], now: Date): Promise<void> {
    const about = { kind: alert.kind, subject: rowSubject(alert), severity: alert.severity, at: alert.since, to };
    const phase = round === '' ? 'beginning' : 'again';
    const rows = this.#rowsOf(about, phase, text, round === '' ? undefined : round);
    await this.#noteFacts(rows, { alert: alert.id, kind: alert.kind, subject: about.subject, lasts: alert.lasts });
    await this.#add(rows.map((row) => ({ ...row, ...this.#wait(alert, now) })));
  }

  /** Answers whether they are in the hands of those who deliver, or have reached somebody. */
  async #add(all: readonly (DirectAlert & { delaySeconds: number })[]): Promise<boolean> {
    const waiting = new Set(await this.#options.rows.begin(all));
    return await this.#deliver(
      all.filter(({ delaySeconds, id }) => delaySeconds === 0 && waiting.has(id)),
      ({ id }) => id,
    );
  }

  /**
   * Tells that these are over: RESOLVED to those who were told of the beginning, what was and when to the others. Never throws. False
   * where the database does not answer: nobody was told, and the caller comes again.
   */
  async end(endings: readonly AlertEnding[], now: Date): Promise<boolean> {
    const { locale, log, recipients, rows } = this.#options;
    const ends = endings.flatMap(({ begin, isAnswered, isTold, message, toldTo }) => {
      const [resolved, past] = [true, false].map((told) => message(told, locale).toString()) as [string, string];
      return recipients.all.map((telegramId) => {
        const beginId = alertRowId({ ...rowAbout(begin, telegramId), phase: 'beginning' });
        const wasNamed = toldTo?.includes(telegramId) ?? true;
        return {
          id: endRowId(beginId)!,
          beginId,
          ...{ isAnswered: isAnswered || !wasNamed, isTold: isTold && wasNamed, ...this.#wait(begin, now) },
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

  #rowsOf(
    alert: Omit<AlertBegin, 'message'>,
    phase: 'beginning' | 'event' | 'again',
    message: string,
    key?: string,
  ): DirectAlert[] {
    return alert.to.map((telegramId) => ({
      id: alertRowId({ ...rowAbout(alert, telegramId), phase, ...(key !== undefined && { key }) }),
      telegramId,
      message,
      type: `alert:${alert.kind}`,
      critical:
        alert.severity === 'critical'
          ? `${nameOf(alert)}${phase === 'event' ? '' : alert.at.toISOString()}`
          : undefined,
    }));
  }

  #wait({ severity }: Pick<Alert, 'severity'>, now: Date): { delaySeconds: number } {
    return { delaySeconds: this.#options.recipients.waitMs(severity, now) / 1000 };
  }

  /** Without them the alert goes out without buttons. */
  async #noteFacts(rows: readonly Pick<DirectAlert, 'id'>[], about: AlertAbout): Promise<void> {
    const { facts, log } = this.#options;
    if (!facts) return;
    const noted = facts.noteFacts(
      rows.map(({ id }) => id),
      about,
    );
    await within(FACTS_LIMIT_MS, noted).catch((err: unknown) => log.debug({ err }, 'an alert goes without buttons'));
  }

  /** Has queued rows delivered now. Without Redis nobody does: then they go straight to Telegram. False where that reached nobody yet. */
  async #deliver(rows: readonly DirectAlert[], nameOf: (row: DirectAlert) => string): Promise<boolean> {
    if (rows.length === 0) return true;
    const { direct, log, notifications, signalDelivery } = this.#options;
    try {
      await signalDelivery();
      return true;
    } catch (error) {
      log.warn({ err: error, alerts: rows.length }, 'delivery cannot be signalled, sending the alerts directly');
      const sent = await direct.send(rows, nameOf);
      await notifications
        .markSent(sent)
        .catch((err: unknown) => log.warn({ err }, 'alert sent directly but not marked so, it may arrive twice'));
      return rows.some((row) => direct.wasSent(nameOf(row), row));
    }
  }
}

const nameOf = ({ kind, subject }: Pick<AlertBegin, 'kind' | 'subject'>): string => `${kind}:${subject}`;
