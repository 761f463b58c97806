import { within } from '../../lib/deadline.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import type { Incidents } from '../../repositories/history/incidents.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type {
  AlertAnswer,
  AlertAnswerStore,
  AnsweredAlert,
  IdleMute,
  Mute,
} from '../../repositories/redis/alerts/alert-answer-store.ts';
import type {
  ActiveAlert,
  AlertStateStore,
  StoredCondition,
} from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { AlertHistory } from '../history/alert-notes.ts';
import { isSameTrouble } from './same-trouble.ts';
import type { SecondWay } from './second-way.ts';
import type { ToldAlerts } from './told-alerts.ts';

export type AlertAnswersOptions = {
  store: AlertStateStore;
  answers: AlertAnswerStore;
  once: AlertStateStore;
  toldAlerts: Pick<ToldAlerts, 'hush'>;
  secondWay: Pick<SecondWay, 'withdraw'>;
  events: Events;
  history: AlertHistory;
  /** Answers that outlive Redis, where our own schema is installed. */
  kept: Pick<Incidents, 'answersTo' | 'hasAlert'>;
  look(): Promise<OwnSchemaState>;
  clock(): Date;
  log: Log;
};

/**
 * An alert that another source has told is told itself where it is still on this long after the other ended: the two do not notice the end at
 * the same time.
 */
const COVERED_FOR_MS = minutes(15);
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

  /** Critical alerts of what happened once, which wait to be acknowledged. */
  async once(now: Date): Promise<ActiveAlert[]> {
    return await this.#options.once.all(now);
  }

  /** Says that `by` takes care of it: nobody else is told any more, until it ends. Of several at once one is `done`. */
  async acknowledge(alertId: string, by: string, now: Date = this.#options.clock()): Promise<AlertAnswer> {
    const { answers, history } = this.#options;
    const alert = await this.#find(alertId, now);
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

  /**
   * Until when nobody is told of each of these, by id: it is muted, or it was not told yet and another source has told the same trouble. Never
   * throws: while Redis is away nobody can have muted it.
   */
  async mutedUntil(
    alerts: readonly Pick<StoredCondition, 'covers' | 'id'>[],
    now: Date,
  ): Promise<ReadonlyMap<string, Date>> {
    if (alerts.length === 0) return new Map();
    const { answers, store } = this.#options;
    const [mutes, on] = await Promise.all([answers.mutes(now), store.all(now)]).catch(
      () => [new Map<string, Mute>(), []] as const,
    );
    const known = new Map(on.map((alert) => [alert.id, alert]));
    const covered = new Date(now.getTime() + COVERED_FOR_MS);
    return new Map(
      alerts.flatMap((alert) => {
        const mute = mutes.get(alert.id);
        if (mute) return [[alert.id, mute.until] as const];
        const isTold = known.get(alert.id)?.told ?? false;
        return !isTold && on.some((other) => other.told && isAbout(alert, other)) ? [[alert.id, covered] as const] : [];
      }),
    );
  }

  /** Whether answers outlive Redis. Never throws. */
  async isKept(): Promise<boolean> {
    return await within(HISTORY_LIMIT_MS, this.#options.look()).then(isUsable, () => false);
  }

  /** Gives Redis back what the history knows was answered to these. Never throws: what cannot be read is as if nobody had answered. */
  async restore(conditions: readonly StoredCondition[], now: Date): Promise<void> {
    const { answers, kept, log } = this.#options;
    const read = async () =>
      (await this.isKept())
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
    const { id, kind, lasts, since, subject } = alert;
    if (lasts) await this.#options.toldAlerts.hush({ kind, subject: id, at: since });
    await this.#options.secondWay.withdraw(alert);
    await this.#options.events.publish(event, { id, kind, subject, ...about });
  }

  async #find(id: string, now: Date): Promise<ActiveAlert | undefined> {
    const { once, store } = this.#options;
    return (await store.find([id], now))[0] ?? (await once.find([id], now))[0];
  }

  async #notOn(id: string): Promise<AlertAnswer> {
    const { kept, once, store } = this.#options;
    if ((await store.hasEnded(id)) || (await once.find([id], new Date(0))).length > 0) return { kind: 'over' };
    const inHistory = async (): Promise<boolean> => (await this.isKept()) && (await kept.hasAlert(id));
    return { kind: (await within(HISTORY_LIMIT_MS, inHistory()).catch(() => false)) ? 'over' : 'unknown' };
  }
}

/** Whether one of two alerts is what the other covers. */
const isAbout = (one: Pick<StoredCondition, 'covers' | 'id'>, other: ActiveAlert): boolean =>
  (one.covers !== undefined && isSameTrouble(one.covers, other.id)) ||
  (other.covers !== undefined && isSameTrouble(other.covers, one.id));
