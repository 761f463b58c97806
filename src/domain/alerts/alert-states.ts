import { minutes } from '../../lib/duration.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { AlertKind } from '../../messages/runbooks/find-runbook.ts';
import type { Log } from '../../observability/log.ts';
import type {
  ActiveAlert,
  AlertStateStore,
  AlertVerdict,
  StoredCondition,
} from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Events } from '../../repositories/redis/events.ts';
import { type AlertHistory, noteBegan, noteEnded } from '../history/alert-notes.ts';
import type { AdminAlerts } from './admin-alerts.ts';
import type { AlertAnswers } from './alert-answers.ts';
import { RECALLED } from './alert-ladder.ts';
import type { AlertRecipients } from './alert-recipients.ts';
import type { AlertText } from './alert-text.ts';
import type { SecondWay } from './second-way.ts';
import type { ToldAlerts } from './told-alerts.ts';

export type { ActiveAlert } from '../../repositories/redis/alerts/alert-state-store.ts';

/** One condition that can be on or off, of a kind that has a runbook. */
export type AlertCondition = StoredCondition & { kind: AlertKind };

/** `told` says whether the admins were told of the beginning. */
export type EndedAlert = ActiveAlert & { endedAt: Date; downtimeMs: number };

/** What an alert that began while Redis was away is worth after that: older ones may have been ended by another process. */
const LOCAL_FOR_MS = minutes(15);

export type AlertStatesOptions = {
  store: AlertStateStore;
  alerts: AdminAlerts;
  toldAlerts: Pick<ToldAlerts, 'stillOn' | 'wasToldAnotherWay' | 'withdraw'>;
  answers: Pick<AlertAnswers, 'isKept' | 'mutedUntil' | 'restore'>;
  recipients: AlertRecipients;
  secondWay: Pick<SecondWay, 'ask' | 'isThere' | 'withdraw'>;
  events: Events;
  /** Of the texts in the history. */
  locale: Locale;
  textOf: AlertText;
  log: Log;
  history: AlertHistory;
};

/**
 * Every alert that has a beginning and an end. Each is told once when it begins and once when it ends, with its times; while it is on,
 * nothing is told. One that ends before its beginning was sent is told as over, in one message. While Redis is away the states are kept
 * in this process, so an outage of Redis itself is told too; where Redis has lost them, the rows that told them say what is on. Nobody is told
 * of one that is muted, and of its end only those who were told of its beginning.
 * Nothing here throws but `active`, `recall` and `resume`.
 */
export class AlertStates {
  readonly #options: AlertStatesOptions;
  readonly #local = new Map<string, ActiveAlert>();

  constructor(options: AlertStatesOptions) {
    this.#options = options;
  }

  /**
   * Says that these conditions are on, now as before: call it on every look, repeating tells nobody twice. A crash before the telling,
   * or a telling that reached nobody, is made good by a look half a minute later. Answers those that began.
   */
  async begin(
    conditions: readonly AlertCondition[],
    message: (began: AlertCondition, locale: Locale) => Html,
    now: Date,
  ): Promise<AlertCondition[]> {
    const { alerts, answers, events, history, recipients } = this.#options;
    const mutedUntil = await answers.mutedUntil(conditions, now);
    const textOf = (alert: AlertCondition): string =>
      this.#options.textOf({ kind: alert.kind, id: alert.id, at: alert.since }, (locale) => message(alert, locale));
    const verdicts = await Promise.all(
      conditions.map((condition) =>
        this.#claim(condition, now, { mutedUntil: mutedUntil.get(condition.id), text: textOf(condition) }),
      ),
    );
    const that = (wanted: AlertVerdict): AlertCondition[] =>
      conditions.flatMap((condition, i) => {
        const { since, verdict } = verdicts[i]!;
        return verdict === wanted ? [{ ...condition, since }] : [];
      });
    const [told, hushed] = [that('tell'), that('hush')];
    const isTold = await alerts.begin(
      told.map((alert) => ({
        ...alertOf(alert),
        to: recipients.first(alert.severity, now),
        message: (locale: Locale) => message(alert, locale),
      })),
      now,
    );
    for (const [alerts, toldAt] of [[told, isTold ? now : undefined] as const, [hushed, undefined] as const])
      for (const alert of alerts)
        noteBegan(history, alert, { text: message(alert, this.#options.locale).toString(), toldAt });
    // While Redis is away, nobody can hear of an event either.
    const stored = told.filter(({ id }) => !this.#local.has(id));
    if (!isTold) for (const { id } of told) this.#local.delete(id);
    await Promise.all([
      isTold ? this.#markTold(stored, now).catch((error: unknown) => this.#noRedis(error)) : undefined,
      ...[...stored, ...hushed].map((condition) =>
        events.publish('alert.started', { ...wire(condition), timestamp: now }),
      ),
    ]);
    return [...told, ...hushed];
  }

  /** Notes who was told first of each. */
  async #markTold(alerts: readonly AlertCondition[], now: Date): Promise<void> {
    const { recipients, store } = this.#options;
    for (const [severity, some] of Map.groupBy(alerts, (alert) => alert.severity))
      await store.markTold(some, now, { to: recipients.first(severity, now) });
  }

  /**
   * Notes that these are on and were told by somebody else, so that only their end is told. A `round` says that it is not known whether
   * somebody takes care of them.
   */
  async resume(conditions: readonly AlertCondition[], now: Date, round?: string): Promise<void> {
    const verdicts = await Promise.all(conditions.map((condition) => this.#options.store.begin(condition, now)));
    await this.#options.store.markTold(
      conditions.filter((_, i) => verdicts[i]!.verdict === 'tell'),
      now,
      round === undefined ? { to: this.#options.recipients.all } : { round },
    );
  }

  /**
   * Where Redis has lost what is on, finds it again among these by the rows that told it: call it before what is on is asked for. Costs
   * one question to Redis otherwise. `watch` names the caller. While the database is away it changes nothing, and the next call asks.
   */
  async recall(watch: string, candidates: readonly AlertCondition[], now: Date): Promise<void> {
    const { answers, log, store, toldAlerts } = this.#options;
    if (await store.hasRecalled(watch)) return;
    const since = await toldAlerts.stillOn(candidates.map(alertOf)).catch((err: unknown) => {
      log.warn({ err, watch }, 'alerts that are on cannot be read back yet');
      return undefined;
    });
    if (!since) return;
    const on = candidates.flatMap((condition, i) => (since[i] ? [{ ...condition, since: since[i] }] : []));
    await this.resume(on, now, (await answers.isKept()) ? undefined : `${RECALLED}:${now.toISOString()}`);
    await answers.restore(candidates, now);
    await store.noteRecalled(watch);
  }

  /** Says that these are over; `at` is when the trouble ended. Where nobody can be told yet they stay on, and the next look ends them. */
  async end(
    over: readonly { id: string; at: Date }[],
    message: (ended: EndedAlert, locale: Locale) => Html,
    now: Date,
  ): Promise<EndedAlert[]> {
    const endedAt = new Map(over.map(({ id, at }) => [id, at]));
    const found = await this.#find([...endedAt.keys()], now);
    const ended = found.map((alert) => endedBy(alert, endedAt.get(alert.id) ?? now));
    const mutedUntil = await this.#options.answers.mutedUntil(ended, now);
    const endings = ended.map((alert) => ({
      begin: alertOf(alert),
      isTold: alert.told,
      toldTo: alert.rungs && alert.rungs.toldTo.length > 0 ? alert.rungs.toldTo : undefined,
      isAnswered: alert.acknowledged !== undefined || alert.mutedUntil !== undefined || mutedUntil.has(alert.id),
      message: (told: boolean, locale: Locale) => message({ ...alert, told }, locale),
    }));
    if (ended.length > 0 && !(await this.#options.alerts.end(endings, now))) return [];
    const gone = await this.#remove(ended, now);
    await Promise.all(gone.map((alert) => this.#endSecondWay(alert, message, now)));
    return gone;
  }

  /** The end goes where the beginning went. Never throws. */
  async #endSecondWay(
    alert: EndedAlert,
    message: (ended: EndedAlert, locale: Locale) => Html,
    now: Date,
  ): Promise<void> {
    const { locale, log, secondWay, toldAlerts } = this.#options;
    if (!secondWay.isThere || alert.severity !== 'critical') return;
    const way = alert.rungs?.secondWay ?? 'none';
    try {
      if (way !== 'none') await secondWay.withdraw(alert);
      if (way === 'told' || (await toldAlerts.wasToldAnotherWay(alert)))
        await secondWay.ask(alert, 'ended', message({ ...alert, told: true }, locale).toString(), now);
    } catch (err) {
      log.warn({ err, alert: alert.id }, 'the end of an alert is not told by the second way');
    }
  }

  /** Takes these off without a word to the admins: another alert tells the same, or there is nothing left to watch. */
  async drop(ids: readonly string[], now: Date): Promise<void> {
    const dropped = (await this.#find(ids, now)).map((alert) => endedBy(alert, now));
    if (dropped.length > 0 && (await this.#options.toldAlerts.withdraw(dropped.map(alertOf))))
      await this.#remove(dropped, now);
  }

  /** Everything that is on, the longest first. Throws while Redis is away: then it is unknown, not empty. */
  async active(now: Date): Promise<ActiveAlert[]> {
    const stored = await this.#options.store.all(now);
    const ids = new Set(stored.map(({ id }) => id));
    return [...[...this.#local.values()].filter(({ id }) => !ids.has(id)), ...stored];
  }

  async #claim(
    condition: AlertCondition,
    now: Date,
    about: { mutedUntil: Date | undefined; text: string },
  ): Promise<{ verdict: AlertVerdict; since: Date }> {
    const local = this.#local.get(condition.id);
    const isLocal = local !== undefined && now.getTime() - local.seenAt.getTime() < LOCAL_FOR_MS;
    try {
      const begun = isLocal ? { ...condition, since: local.since } : condition;
      const claimed = await this.#options.store.begin(begun, now, about);
      this.#local.delete(condition.id);
      if (isLocal && claimed.verdict === 'tell') await this.#options.store.markTold([local], now);
      return isLocal ? { ...claimed, verdict: 'on' } : claimed;
    } catch (error) {
      this.#noRedis(error);
      this.#local.set(condition.id, { ...(isLocal ? local : condition), lasts: true, told: true, seenAt: now });
      return { verdict: isLocal ? 'on' : 'tell', since: condition.since };
    }
  }

  /** The alerts among these that are on, in Redis or in this process alone. */
  async #find(ids: readonly string[], now: Date): Promise<ActiveAlert[]> {
    const stored = await this.#options.store.find(ids, now).catch((error: unknown) => {
      this.#noRedis(error);
      return [];
    });
    const local = ids.flatMap((id) => this.#local.get(id) ?? []);
    return [...new Map([...local, ...stored].map((alert) => [alert.id, alert])).values()];
  }

  /** Answers those that this call took off. */
  async #remove(ended: readonly EndedAlert[], now: Date): Promise<EndedAlert[]> {
    const ids = ended.map(({ id }) => id);
    const removed = new Set(
      await this.#options.store.remove(ids, now).catch((error: unknown) => {
        this.#noRedis(error);
        return [];
      }),
    );
    for (const id of ids) if (this.#local.delete(id)) removed.add(id);
    const gone = ended.filter(({ id }) => removed.has(id));
    for (const alert of gone) noteEnded(this.#options.history, alert);
    await Promise.all(
      gone.map((alert) =>
        this.#options.events.publish('alert.ended', {
          ...wire(alert),
          downtime_seconds: Math.round(alert.downtimeMs / 1000),
          timestamp: now,
        }),
      ),
    );
    return gone;
  }

  #noRedis(err: unknown): void {
    this.#options.log.warn({ err }, 'alert states cannot be stored, this process remembers them until Redis is back');
  }
}

function endedBy(alert: ActiveAlert, at: Date): EndedAlert {
  const downtimeMs = Math.max(0, at.getTime() - alert.since.getTime());
  return { ...alert, endedAt: new Date(alert.since.getTime() + downtimeMs), downtimeMs };
}

/** An alert's row is about the id: the subject is what people call it, and may change. */
const alertOf = ({ id, kind, severity, since }: StoredCondition) => ({ kind, severity, subject: id, at: since });

const wire = ({ id, kind, severity, subject, since }: StoredCondition): Record<string, unknown> => ({
  id,
  kind,
  severity,
  subject,
  since,
});
