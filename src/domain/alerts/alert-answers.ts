import { within } from '../../lib/deadline.ts';
import { days, seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import type { Incidents } from '../../repositories/history/incidents.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { AlertAnswerStore, Mute } from '../../repositories/redis/alerts/alert-answer-store.ts';
import type {
  ActiveAlert,
  AlertCondition,
  AlertStateStore,
} from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { AlertHistory } from '../history/alert-notes.ts';
import type { AdminAlerts } from './admin-alerts.ts';

/** What became of what a person asked of an alert. */
export type AlertAnswer =
  /** It is so now. */
  | { kind: 'done' }
  /** Somebody, perhaps the same person, has done it before. */
  | { kind: 'already'; by: string; at: Date }
  /** The alert has ended; of an unmute: nothing mutes it. */
  | { kind: 'over' }
  /** No alert with this id is known. */
  | { kind: 'unknown' };

/** An alert that is on. A mute comes before an acknowledgement: while it lasts, nobody is told. */
export type AnsweredAlert = ActiveAlert & { state: 'on' | 'acknowledged' | 'muted'; muted?: Mute | undefined };

/** A mute whose alert is not on: it holds where it begins again. */
export type IdleMute = Mute & { id: string };

export type AlertAnswersOptions = {
  store: AlertStateStore;
  answers: AlertAnswerStore;
  alerts: Pick<AdminAlerts, 'hush'>;
  events: Events;
  history: AlertHistory;
  /** Answers that outlive Redis, where our own schema is installed. */
  kept: Pick<Incidents, 'answersTo' | 'hasAlert'>;
  look(): Promise<OwnSchemaState>;
  clock(): Date;
  log: Log;
};

/** Nobody may silence an alert for longer by one word. */
const LONGEST_MUTE_MS = days(30);
/** A look waits no longer for the history. */
const HISTORY_LIMIT_MS = seconds(3);

/**
 * What people answer to alerts: the admin bot, the console, the API and the command line all ask this. Answers live in Redis, next to what is
 * on, and in the history where that is installed, which gives them back where Redis loses all; without it an alert that was acknowledged
 * counts as on again. Throws while Redis is away.
 */
export class AlertAnswers {
  readonly #options: AlertAnswersOptions;

  constructor(options: AlertAnswersOptions) {
    this.#options = options;
  }

  /** Says that `by` takes care of it: whoever was not told yet is not told any more, until it ends. Of several at once one is `done`. */
  async acknowledge(alertId: string, by: string, now: Date = this.#options.clock()): Promise<AlertAnswer> {
    const { answers, history, store } = this.#options;
    const [alert] = await store.find([alertId], now);
    const answer = await answers.acknowledge(alertId, by, now);
    if (answer.kind === 'not_on' || !alert) return await this.#notOn(alertId);
    if (answer.kind === 'already') return answer;
    history.answer({ alert: alertId, beganAt: alert.since, acknowledged: { by, at: now } });
    await this.#quieten(alert, 'alert.acknowledged', { by, timestamp: now });
    return answer;
  }

  /**
   * Has nobody told of this alert until `untilMs` (milliseconds since 1970), nor of its next beginnings. Where it is on then and was not
   * acknowledged, it is told again. Throws `PermanentError` (`mute_time`) for a time that is not in the next 30 days.
   */
  async mute(alertId: string, untilMs: number, by: string, now: Date = this.#options.clock()): Promise<AlertAnswer> {
    const { answers, history, store } = this.#options;
    if (!(untilMs > now.getTime() && untilMs <= now.getTime() + LONGEST_MUTE_MS))
      throw new PermanentError('mute_time', 'A mute must end later than now, and within 30 days.');
    const until = new Date(untilMs);
    const [alert] = await store.find([alertId], now);
    if (!alert) return await this.#notOn(alertId);
    const answer = await answers.mute(alertId, { by, at: now, until });
    if (answer.kind !== 'done') return answer.kind === 'already' ? answer : await this.#notOn(alertId);
    history.answer({ alert: alertId, beganAt: alert.since, muted: { by, until } });
    await this.#quieten(alert, 'alert.muted', { by, until, timestamp: now });
    return answer;
  }

  /** Ends a mute before its time. Where the alert is on and was not acknowledged, it is told again soon. */
  async unmute(alertId: string, by: string, now: Date = this.#options.clock()): Promise<AlertAnswer> {
    const { answers, events, history, store } = this.#options;
    const [alert] = await store.find([alertId], now);
    if (!(await answers.unmute(alertId, now))) return alert ? { kind: 'over' } : await this.#notOn(alertId);
    if (alert) history.answer({ alert: alertId, beganAt: alert.since, muted: { by, until: now } });
    await events.publish('alert.unmuted', { id: alertId, by, timestamp: now });
    return { kind: 'done' };
  }

  /** These alerts with what was answered to them. */
  async answered(alerts: readonly ActiveAlert[], now: Date): Promise<AnsweredAlert[]> {
    const mutes = await this.#options.answers.mutes(now);
    return alerts.map((alert) => {
      const muted = mutes.get(alert.id);
      return { ...alert, muted, state: muted ? 'muted' : alert.acknowledged ? 'acknowledged' : 'on' };
    });
  }

  /** Mutes of alerts that are not among these. */
  async idleMutes(on: readonly ActiveAlert[], now: Date): Promise<IdleMute[]> {
    const ids = new Set(on.map(({ id }) => id));
    const mutes = await this.#options.answers.mutes(now);
    return [...mutes].flatMap(([id, mute]) => (ids.has(id) ? [] : [{ id, ...mute }]));
  }

  /** Until when each of these is muted. Never throws: while Redis is away nobody can have muted it. */
  async mutedUntil(ids: readonly string[], now: Date): Promise<ReadonlyMap<string, Date>> {
    if (ids.length === 0) return new Map();
    const mutes = await this.#options.answers.mutes(now).catch(() => new Map<string, Mute>());
    return new Map(
      ids.flatMap((id) => {
        const mute = mutes.get(id);
        return mute ? [[id, mute.until] as const] : [];
      }),
    );
  }

  /** Gives Redis back what the history knows was answered to these. Never throws: what cannot be read is as if nobody had answered. */
  async restore(conditions: readonly AlertCondition[], now: Date): Promise<void> {
    const { answers, kept, log, look } = this.#options;
    const read = async () =>
      isUsable(await look())
        ? await kept.answersTo(
            conditions.map(({ id }) => id),
            now,
          )
        : [];
    try {
      for (const { acknowledged, alert, beganAt, muted } of await within(HISTORY_LIMIT_MS, read())) {
        if (muted) await answers.mute(alert, { ...muted, at: now });
        if (acknowledged) await answers.acknowledge(alert, acknowledged.by, acknowledged.at, beganAt);
      }
    } catch (err) {
      log.warn({ err }, 'answers to alerts cannot be read back, the alerts count as not acknowledged');
    }
  }

  /** Takes back what waits to be told of it, and says so to those who follow. */
  async #quieten(
    alert: ActiveAlert,
    event: 'alert.acknowledged' | 'alert.muted',
    about: Record<string, unknown>,
  ): Promise<void> {
    const { id, kind, since, subject } = alert;
    await this.#options.alerts.hush({ kind, subject: id, at: since });
    await this.#options.events.publish(event, { id, kind, subject, ...about });
  }

  async #notOn(id: string): Promise<AlertAnswer> {
    const { kept, look, store } = this.#options;
    if (await store.hasEnded(id)) return { kind: 'over' };
    const inHistory = async (): Promise<boolean> => isUsable(await look()) && (await kept.hasAlert(id));
    return { kind: (await within(HISTORY_LIMIT_MS, inHistory()).catch(() => false)) ? 'over' : 'unknown' };
  }
}
