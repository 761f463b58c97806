import { days, minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** One condition that can be on or off. */
export type AlertCondition = {
  /** `<kind>:<what>`, the same every time: `node_offline:<uuid>`. */
  id: string;
  /** What is grouped and merged: `node_offline`. At most 36 characters, of few values. */
  kind: string;
  severity: 'critical' | 'warning';
  /** What it is about, as people call it: a node's name. */
  subject: string;
  /** When the trouble began, which may be before it was found. */
  since: Date;
};

export type ActiveAlert = AlertCondition & {
  /** Whether the admins were told. */
  told: boolean;
  /** When it was last found to be on. */
  seenAt: Date;
};

/**
 * A condition that nobody has looked at for this long is forgotten. Longer than any gap between checks: the longest interval is an
 * hour, the longest silence a worker that is off over a holiday.
 */
const FORGET_AFTER_MS = days(7);

/** Whoever claimed the telling has died when it is not done after this. */
const TOLD_WITHIN_MS = minutes(1);

/** Alerts that are on, in one hash, so that a begin and an end each have exactly one winner. */
export class AlertStateStore {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Notes that a condition is on. `tell`: the caller is the one to tell; `on`: somebody has or is about to. */
  async begin(condition: AlertCondition, now: Date): Promise<'tell' | 'on'> {
    const record: ActiveAlert = { ...condition, told: false, seenAt: now };
    const isNew = await this.#redis.hsetnx(keys.alertsOn(), condition.id, write(record));
    await this.#redis.pexpire(keys.alertsOn(), FORGET_AFTER_MS);
    if (isNew === 1) return 'tell';
    const text = await this.#redis.hget(keys.alertsOn(), condition.id);
    const known = text === null ? undefined : read(text);
    const isOver = known === undefined || isForgotten(known, now);
    const isOrphaned = known?.told === false && now.getTime() - known.seenAt.getTime() > TOLD_WITHIN_MS;
    if (!isOver && !known.told && !isOrphaned) return 'on';
    await this.#redis.hset(keys.alertsOn(), condition.id, write(isOver ? record : { ...known, seenAt: now }));
    return isOver || isOrphaned ? 'tell' : 'on';
  }

  async markTold(alerts: readonly AlertCondition[], now: Date): Promise<void> {
    const fields = alerts.flatMap((alert) => [alert.id, write({ ...alert, told: true, seenAt: now })]);
    if (fields.length > 0) await this.#redis.hset(keys.alertsOn(), ...fields);
  }

  /** Ends what is on among these; each is answered to one caller only. */
  async end(ids: readonly string[], now: Date): Promise<ActiveAlert[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(keys.alertsOn(), ...ids);
    const on = texts.flatMap((text) => (text === null ? [] : [read(text)]));
    const removed = await Promise.all(on.map(({ id }) => this.#redis.hdel(keys.alertsOn(), id)));
    return on.filter((alert, i) => removed[i] === 1 && !isForgotten(alert, now));
  }

  /** Everything that is on, the longest first. */
  async all(now: Date): Promise<ActiveAlert[]> {
    const records = Object.values(await this.#redis.hgetall(keys.alertsOn())).map(read);
    return records
      .filter((alert) => !isForgotten(alert, now))
      .sort((a, b) => a.since.getTime() - b.since.getTime() || (a.id < b.id ? -1 : 1));
  }
}

const isForgotten = (alert: ActiveAlert, now: Date): boolean =>
  now.getTime() - alert.seenAt.getTime() > FORGET_AFTER_MS;

function write(alert: ActiveAlert): string {
  const { id, kind, severity, subject, since, told, seenAt } = alert;
  return JSON.stringify({ id, kind, severity, subject, since, told, seen_at: seenAt });
}

function read(text: string): ActiveAlert {
  const {
    seen_at: seenAt,
    since,
    ...rest
  } = JSON.parse(text) as Omit<ActiveAlert, 'since' | 'seenAt'> & {
    since: string;
    seen_at: string;
  };
  return { ...rest, since: new Date(since), seenAt: new Date(seenAt) };
}
