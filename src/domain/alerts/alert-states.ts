import { minutes } from '../../lib/duration.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Log } from '../../observability/log.ts';
import type {
  ActiveAlert,
  AlertCondition,
  AlertStateStore,
} from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { AdminAlerts } from './admin-alerts.ts';

export type { ActiveAlert, AlertCondition } from '../../repositories/redis/alerts/alert-state-store.ts';

export type EndedAlert = AlertCondition & { endedAt: Date; downtimeMs: number };

/** What an alert that began while Redis was away is worth after that: older ones may have been ended by another process. */
const LOCAL_FOR_MS = minutes(15);

export type AlertStatesOptions = {
  store: AlertStateStore;
  alerts: Pick<AdminAlerts, 'raise'>;
  events: Events;
  log: Log;
};

/**
 * Every alert that has a beginning and an end. It is told once when it begins and once when it ends, with how long it lasted; while
 * it is on, nothing is told. Conditions of one kind that begin in one call leave as one message, and `AdminAlerts` merges what
 * follows within ten minutes. While Redis is away the states are kept in this process, so an outage of Redis itself is told too.
 * Nothing here throws but `active` and `resume`.
 */
export class AlertStates {
  readonly #options: AlertStatesOptions;
  readonly #local = new Map<string, ActiveAlert>();

  constructor(options: AlertStatesOptions) {
    this.#options = options;
  }

  /**
   * Says that these conditions are on, now as before: call it on every look, repeating tells nobody twice. `message` gets those of
   * one kind that began. A crash before the telling is made good by the first look a minute later. Answers those that began.
   */
  async begin(
    conditions: readonly AlertCondition[],
    message: (began: readonly AlertCondition[], locale: Locale) => Html,
    now: Date,
  ): Promise<AlertCondition[]> {
    const { alerts, events, store } = this.#options;
    const verdicts = await Promise.all(conditions.map((condition) => this.#claim(condition, now)));
    const began = conditions.filter((_, i) => verdicts[i] === 'tell');
    for (const [kind, group] of Map.groupBy(began, (condition) => condition.kind)) {
      const severity = group.some((condition) => condition.severity === 'critical') ? 'critical' : 'warning';
      await alerts.raise({ kind, severity, message: (locale) => message(group, locale) });
    }
    // While Redis is away, nobody can hear of an event either.
    const stored = began.filter(({ id }) => !this.#local.has(id));
    await Promise.all([
      store.markTold(stored, now).catch((error: unknown) => this.#noRedis(error)),
      ...stored.map((condition) => events.publish('alert.started', { ...wire(condition), timestamp: now })),
    ]);
    return began;
  }

  /** Notes that these are on and were told by somebody else, so that only their end is told. */
  async resume(conditions: readonly AlertCondition[], now: Date): Promise<void> {
    const verdicts = await Promise.all(conditions.map((condition) => this.#options.store.begin(condition, now)));
    await this.#options.store.markTold(
      conditions.filter((_, i) => verdicts[i] === 'tell'),
      now,
    );
  }

  /** Says that these are over. Those that were on are told in one message per kind; `at` is when the trouble ended. */
  async end(
    over: readonly { id: string; at: Date }[],
    message: (ended: readonly EndedAlert[], locale: Locale) => Html,
    now: Date,
  ): Promise<EndedAlert[]> {
    const ended = await this.#remove(over, now);
    for (const [kind, group] of Map.groupBy(ended, (alert) => alert.kind)) {
      await this.#options.alerts.raise({
        kind: `${kind}_ended`,
        severity: 'resolved',
        message: (locale) => message(group, locale),
      });
    }
    return ended;
  }

  /** Takes these off without a word to the admins: another alert tells the same, or there is nothing left to watch. */
  async drop(ids: readonly string[], now: Date): Promise<void> {
    await this.#remove(
      ids.map((id) => ({ id, at: now })),
      now,
    );
  }

  /** Everything that is on, the longest first. Throws while Redis is away: then it is unknown, not empty. */
  async active(now: Date): Promise<ActiveAlert[]> {
    const stored = await this.#options.store.all(now);
    const ids = new Set(stored.map(({ id }) => id));
    return [...[...this.#local.values()].filter(({ id }) => !ids.has(id)), ...stored];
  }

  async #claim(condition: AlertCondition, now: Date): Promise<'tell' | 'on'> {
    const local = this.#local.get(condition.id);
    const isLocal = local !== undefined && now.getTime() - local.seenAt.getTime() < LOCAL_FOR_MS;
    try {
      const verdict = await this.#options.store.begin(condition, now);
      this.#local.delete(condition.id);
      if (isLocal && verdict === 'tell') await this.#options.store.markTold([local], now);
      return isLocal ? 'on' : verdict;
    } catch (error) {
      this.#noRedis(error);
      this.#local.set(condition.id, { ...(isLocal ? local : condition), told: true, seenAt: now });
      return isLocal ? 'on' : 'tell';
    }
  }

  async #remove(over: readonly { id: string; at: Date }[], now: Date): Promise<EndedAlert[]> {
    const ids = over.map(({ id }) => id);
    const stored = await this.#options.store.end(ids, now).catch((error: unknown) => {
      this.#noRedis(error);
      return [];
    });
    const local = ids.flatMap((id) => this.#local.get(id) ?? []);
    for (const id of ids) this.#local.delete(id);
    const endedAt = new Map(over.map(({ id, at }) => [id, at]));
    const ended = [...new Map([...local, ...stored].map((alert) => [alert.id, alert])).values()].map((alert) => {
      const at = endedAt.get(alert.id) ?? now;
      return { ...alert, endedAt: at, downtimeMs: Math.max(0, at.getTime() - alert.since.getTime()) };
    });
    await Promise.all(
      ended.map((alert) =>
        this.#options.events.publish('alert.ended', {
          ...wire(alert),
          downtime_seconds: Math.round(alert.downtimeMs / 1000),
          timestamp: now,
        }),
      ),
    );
    return ended;
  }

  #noRedis(err: unknown): void {
    this.#options.log.warn({ err }, 'alert states can not be stored, this process remembers them until Redis is back');
  }
}

const wire = ({ id, kind, severity, subject, since }: AlertCondition): Record<string, unknown> => ({
  id,
  kind,
  severity,
  subject,
  since,
});
