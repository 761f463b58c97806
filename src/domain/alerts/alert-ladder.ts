import { hours, seconds } from '../../lib/duration.ts';
import type { Locale } from '../../lib/locale.ts';
import { askedAgain, nobodyAcknowledged } from '../../messages/escalation.ts';
import { HANDED_IN } from '../../messages/runbooks/find-runbook.ts';
import type { Log } from '../../observability/log.ts';
import type { ActiveAlert, AlertRungs, AlertStateStore } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { SecondWayEntry } from '../../repositories/redis/alerts/second-way-store.ts';
import type { AdminAlerts } from './admin-alerts.ts';
import type { AlertAnswers } from './alert-answers.ts';
import type { AlertRecipients } from './alert-recipients.ts';
import type { SecondWay } from './second-way.ts';
import type { ToldAlerts } from './told-alerts.ts';

export type AlertLadderOptions = {
  /** Alerts that are on, and critical ones of what happened once. */
  stores: { lasting: AlertStateStore; once: AlertStateStore };
  alerts: Pick<AdminAlerts, 'again'>;
  toldAlerts: ToldAlerts;
  answers: Pick<AlertAnswers, 'mutedUntil'>;
  recipients: AlertRecipients;
  secondWay: SecondWay;
  stepMs: number;
  locale: Locale;
  log: Log;
};

export type LadderCounts = Record<'looked' | 'told' | 'second_way' | 'put_off', number>;

/** An alert that Telegram has not delivered after this is told by the second way. With a look each half a minute that is under two minutes. */
const UNDELIVERED_MS = seconds(45);
/** Nobody can tell an alert that was found this long ago and is not told yet. */
const UNTOLD_MS = seconds(20);
/** An alert that tells what happened once waits so long to be acknowledged. */
const ONCE_FOR_MS = hours(24);

/** The state of alerts of which Redis knows only that they are on. */
export const RECALLED = 'recalled';

/**
 * Goes on with what is on and not acknowledged: a critical alert is told to the next on call after each step, then to all, then by the second
 * way; one that Telegram does not deliver goes the second way at once; one whose mute is over is told again. Its rows have ids that
 * follow from the step, and the step is noted after: a worker that dies in between leaves it to the next, and two tell it once.
 */
export class AlertLadder {
  readonly #options: AlertLadderOptions;

  constructor(options: AlertLadderOptions) {
    this.#options = options;
  }

  /** Looks at one alert after the other: one that fails keeps no other waiting. Throws while Redis is away. */
  async climb(now: Date, signal: AbortSignal): Promise<LadderCounts> {
    const { answers, log, secondWay, stores } = this.#options;
    const counts = { looked: 0, told: 0, second_way: 0, put_off: 0 };
    for (const store of [stores.lasting, stores.once]) {
      const all = await store.all(now);
      const muted = await answers.mutedUntil(all, now);
      await this.#prolong(store, all, muted);
      for (const alert of all.filter(({ id }) => !muted.has(id))) {
        signal.throwIfAborted();
        counts.looked += 1;
        try {
          if (await this.#step(store, alert, now)) counts.told += 1;
        } catch (err) {
          log.warn({ err, alert: alert.id }, 'alert not taken further, the next look does');
        }
      }
    }
    const { put_off, told } = await secondWay.deliver(now, signal, (entry) => this.#arrived(entry));
    return { ...counts, put_off, second_way: told };
  }

  /** What another source has told is not told until some time after that one's end, which begins anew with each look. */
  async #prolong(store: AlertStateStore, all: readonly ActiveAlert[], muted: ReadonlyMap<string, Date>): Promise<void> {
    for (const alert of all) {
      const until = muted.get(alert.id);
      if (until && alert.mutedUntil && !alert.told && alert.mutedUntil < until)
        await store.change(alert, ['muted_until', alert.mutedUntil.toISOString()], {
          muted_until: until.toISOString(),
        });
    }
  }

  /** Answers whether somebody more was told. */
  async #step(store: AlertStateStore, alert: ActiveAlert, now: Date): Promise<boolean> {
    const { recipients, stepMs } = this.#options;
    const { acknowledged, lasts, mutedUntil, rungs, seenAt, severity, since, told } = alert;
    if (!lasts && now.getTime() - seenAt.getTime() > ONCE_FOR_MS) {
      await store.remove([alert.id], now);
      return false;
    }
    if (mutedUntil && !told && mutedUntil > now && alert.kind === HANDED_IN) return false;
    if (mutedUntil) return await this.#afterMute(store, alert, now);
    if (severity !== 'critical' || acknowledged || alert.text === undefined) return false;
    if (!rungs) {
      const isUntold =
        !told && now.getTime() - Math.max(since.getTime() + UNDELIVERED_MS, seenAt.getTime()) >= UNTOLD_MS;
      if (isUntold) await this.#askSecondWay(store, alert, now);
      return false;
    }
    if (rungs.secondWay === 'told') return false;
    if (await this.#isStuck(store, alert, rungs, now)) await this.#askSecondWay(store, alert, now);
    if (now.getTime() - rungs.stepAt.getTime() < stepMs) return false;
    const next = recipients.next(rungs.toldTo, now);
    if (next.length === 0) {
      await this.#askSecondWay(store, alert, now);
      return false;
    }
    const text = rungs.round.startsWith(RECALLED) ? askedAgain(alert.text, this.#options.locale) : alert.text;
    const isFirst = rungs.toldTo.length === 0;
    const asked = isFirst
      ? text
      : nobodyAcknowledged(text, now.getTime() - rungs.toldAt.getTime(), this.#options.locale);
    await this.#options.alerts.again(alert, asked, roundOf(alert, rungs), next, now);
    const told_to = [...rungs.toldTo, ...next].join(',');
    return await store.change(alert, ['told_to', rungs.toldTo.join(',')], { told_to, step_at: now.toISOString() });
  }

  /** Whether Telegram has not delivered it to anybody in time. */
  async #isStuck(store: AlertStateStore, alert: ActiveAlert, rungs: AlertRungs, now: Date): Promise<boolean> {
    const { secondWay, toldAlerts } = this.#options;
    if (rungs.isReached || rungs.secondWay !== 'none' || !secondWay.isThere) return false;
    // Where Redis had lost it, nobody was told in this round yet.
    if (rungs.toldTo.length === 0) return false;
    if (now.getTime() - rungs.toldAt.getTime() < UNDELIVERED_MS) return false;
    // While the database is away, what was told was told by Telegram directly.
    if (!(await toldAlerts.isReached(alert).catch(() => true))) return true;
    await store.change(alert, ['reached', ''], { reached: true });
    return false;
  }

  async #askSecondWay(store: AlertStateStore, alert: ActiveAlert, now: Date): Promise<void> {
    const { secondWay } = this.#options;
    if (!secondWay.isThere || (alert.rungs?.secondWay ?? 'none') !== 'none') return;
    await secondWay.ask(alert, 'began', alert.text ?? '', now);
    await store.change(alert, ['second_way', ''], {
      second_way: 'asked',
      ...(!alert.rungs && { told_at: now.toISOString() }),
    });
  }

  /** It is on, and its mute is over: it is told once more, unless somebody takes care of it. */
  async #afterMute(store: AlertStateStore, alert: ActiveAlert, now: Date): Promise<boolean> {
    const { alerts, recipients } = this.#options;
    const over = alert.mutedUntil!.toISOString();
    if (alert.acknowledged) {
      await store.change(alert, ['muted_until', over], { muted_until: null });
      return false;
    }
    if (alert.text === undefined) return false;
    const to = recipients.first(alert.severity, now);
    const round = alert.told ? `mute:${over}` : '';
    await alerts.again(alert, alert.text, round, to, now);
    return await store.change(alert, ['muted_until', over], {
      ...{ muted_until: null, told: true, told_at: now.toISOString(), told_to: to.join(','), round },
      ...{ step_at: null, reached: null, second_way: null },
    });
  }

  /** A beginning has come to somebody by the second way: Telegram need not tell it any more. */
  async #arrived({ alert: id, phase, since }: SecondWayEntry): Promise<void> {
    const { stores, toldAlerts } = this.#options;
    if (phase === 'ended') return;
    for (const store of [stores.lasting, stores.once]) {
      const [alert] = await store.find([id], since);
      if (!alert || alert.since.getTime() !== since.getTime()) continue;
      await store.change(alert, ['second_way', 'asked'], { second_way: 'told', told: true });
      await toldAlerts.toldAnotherWay(alert);
    }
  }
}

/** What happened once has rows of its own making: a step has its own. */
const roundOf = ({ lasts }: ActiveAlert, { round }: AlertRungs): string => (lasts ? round : `step:${round}`);
