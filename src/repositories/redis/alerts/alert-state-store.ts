import { days, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** One condition that can be on or off. */
export type AlertCondition = {
  /** `<kind>:<what>`, the same every time: `node_offline:<uuid>`. */
  id: string;
  /** Its cause; those of one kind that wait together leave as one message: `node_offline`. At most 36 characters, of few values. */
  kind: string;
  severity: 'critical' | 'warning';
  /** The subject as people call it: a node's name. */
  subject: string;
  /** When the trouble began, which may be before it was found. */
  since: Date;
  /** For the history, and not kept here: the cause, and how many users were online when it began, where these are known. */
  reason?: string | undefined;
  usersAffected?: number | undefined;
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

/** A telling that is not done after this is the next caller's: the one that claimed it has died, or could tell nobody. */
const TOLD_WITHIN_MS = seconds(30);

/** Alerts that are on, in one hash, so that a begin and an end each have exactly one winner. */
export class AlertStateStore {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /**
   * Notes that a condition is on. `tell`: the caller is the one to tell; `on`: somebody has or is about to. `since` is when it began
   * for the one who saw it first.
   */
  async begin(condition: AlertCondition, now: Date): Promise<{ verdict: 'tell' | 'on'; since: Date }> {
    const record: ActiveAlert = { ...condition, told: false, seenAt: now };
    const isNew = await this.#redis.hsetnx(keys.alertsOn(), condition.id, write(record));
    await this.#redis.pexpire(keys.alertsOn(), FORGET_AFTER_MS);
    if (isNew === 1) return { verdict: 'tell', since: condition.since };
    const text = await this.#redis.hget(keys.alertsOn(), condition.id);
    const known = text === null ? undefined : read(text);
    if (known === undefined || isForgotten(known, now)) {
      await this.#redis.hset(keys.alertsOn(), condition.id, write(record));
      return { verdict: 'tell', since: condition.since };
    }
    const { since } = known;
    const isOrphaned = !known.told && now.getTime() - known.seenAt.getTime() > TOLD_WITHIN_MS;
    if (!known.told && !isOrphaned) return { verdict: 'on', since };
    await this.#redis.hset(keys.alertsOn(), condition.id, write({ ...known, seenAt: now }));
    return { verdict: isOrphaned ? 'tell' : 'on', since };
  }

  async markTold(alerts: readonly AlertCondition[], now: Date): Promise<void> {
    const fields = alerts.flatMap((alert) => [alert.id, write({ ...alert, told: true, seenAt: now })]);
    if (fields.length > 0) await this.#redis.hset(keys.alertsOn(), ...fields);
  }

  /** The alerts among these that are on. */
  async find(ids: readonly string[], now: Date): Promise<ActiveAlert[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(keys.alertsOn(), ...ids);
    return texts.flatMap((text) => (text === null ? [] : [read(text)])).filter((alert) => !isForgotten(alert, now));
  }

  /** Takes these off. Answers the ids that were on; each is answered to one caller only. */
  async remove(ids: readonly string[]): Promise<string[]> {
    const removed = await Promise.all(ids.map((id) => this.#redis.hdel(keys.alertsOn(), id)));
    return ids.filter((_, i) => removed[i] === 1);
  }

  /** Whether `watch` has been asked after since Redis was last emptied. */
  async hasRecalled(watch: string): Promise<boolean> {
    return (await this.#redis.sismember(keys.alertsRecalled(), watch)) === 1;
  }

  async noteRecalled(watch: string): Promise<void> {
    await this.#redis.sadd(keys.alertsRecalled(), watch);
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
