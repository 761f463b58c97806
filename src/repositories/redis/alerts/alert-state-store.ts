import { z } from 'zod';
import { days, seconds } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';
import { BEGIN, CHANGE, MARK_TOLD, TAKE_OUT } from './alert-scripts.ts';

/** One condition that can be on or off. */
export type StoredCondition = {
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
  /** The alert of another source about the same: while that is on and told, this one is not. `node_offline:<uuid>`, or `task_errors:*` for any. */
  covers?: string | undefined;
};

export type ActiveAlert = StoredCondition & {
  /** False where it tells what happened once: it is on until somebody acknowledges it. */
  lasts: boolean;
  /** Whether the admins were told. */
  told: boolean;
  /** When it was last found to be on. */
  seenAt: Date;
  /** As the admins read its beginning, with HTML. */
  text?: string | undefined;
  acknowledged?: { by: string; at: Date } | undefined;
  /** It was muted until this time at the last look; the mute itself is kept apart, for it outlives the alert. */
  mutedUntil?: Date | undefined;
  rungs?: AlertRungs | undefined;
};

/** How far the telling of an alert has come. */
export type AlertRungs = {
  /** When the first was told. */
  toldAt: Date;
  /** Those who were told; nobody is known where Redis had lost it. */
  toldTo: readonly number[];
  /** When the latest was told. */
  stepAt: Date;
  /** Empty for the first telling; else why it is told again, so that this is its own rows. */
  round: string;
  /** Somebody is known to have got it. */
  isReached: boolean;
  secondWay: 'none' | 'asked' | 'told';
};

/** `hush`: it began while it is muted. */
export type AlertVerdict = 'tell' | 'on' | 'hush';

const alertsOn: JsonEntries<Omit<ActiveAlert, 'lasts'>> = {
  source: 'alerts_on',
  entry: z
    .object({
      id: z.string(),
      kind: z.string(),
      severity: z.enum(['critical', 'warning']),
      subject: z.string(),
      since: storedTime,
      told: z.boolean(),
      seen_at: storedTime,
      text: z.string().optional(),
      covers: z.string().optional(),
      acknowledged_by: z.string().optional(),
      acknowledged_at: storedTime.optional(),
      muted_until: storedTime.optional(),
      told_at: storedTime.optional(),
      told_to: z
        .string()
        .regex(/^(-?\d+(,-?\d+)*)?$/)
        .optional(),
      step_at: storedTime.optional(),
      round: z.string().optional(),
      reached: z.boolean().optional(),
      second_way: z.enum(['none', 'asked', 'told']).optional(),
    })
    .transform(({ covers, id, kind, severity, since, subject, text, told, ...rest }) => ({
      ...{ covers, id, kind, severity, subject, since, told, text },
      seenAt: rest.seen_at,
      mutedUntil: rest.muted_until,
      acknowledged:
        rest.acknowledged_by !== undefined && rest.acknowledged_at
          ? { by: rest.acknowledged_by, at: rest.acknowledged_at }
          : undefined,
      rungs: rest.told_at && {
        toldAt: rest.told_at,
        toldTo: (rest.told_to ?? '').split(',').filter(Boolean).map(Number),
        stepAt: rest.step_at ?? rest.told_at,
        round: rest.round ?? '',
        isReached: rest.reached ?? false,
        secondWay: rest.second_way ?? 'none',
      },
    })),
};

/**
 * A condition that nobody has looked at for this long is forgotten. Longer than any gap between checks: the longest interval is an
 * hour, the longest silence a worker that is off over a holiday.
 */
export const FORGET_AFTER_MS = days(7);

/** Alerts are known to have been on for this long after their end. */
const ENDED_KEPT_MS = days(30);

/** A telling that is not done after this is the next caller's: the one that claimed it has died, or could tell nobody. */
const TOLD_WITHIN_MS = seconds(30);

/** Alerts that are on, in one hash, so that a begin and an end each have exactly one winner. */
export class AlertStateStore {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;
  readonly #lasts: boolean;
  readonly #key: string;

  /** `once`: those that tell what happened once, which are on until somebody acknowledges them. */
  constructor(redis: RedisClient, onRead?: OnRead, which: 'lasting' | 'once' = 'lasting') {
    this.#redis = redis;
    this.#onRead = onRead;
    this.#lasts = which === 'lasting';
    this.#key = which === 'once' ? keys.alertsOnce() : keys.alertsOn();
  }

  /**
   * Notes that a condition is on. `tell`: the caller is the one to tell; `on`: somebody has or is about to; `hush`: nobody is to be told yet.
   * `since` is when it began for the one who saw it first.
   */
  async begin(
    condition: StoredCondition,
    now: Date,
    { mutedUntil, text = '' }: { mutedUntil?: Date | undefined; text?: string } = {},
  ): Promise<{ verdict: AlertVerdict; since: Date }> {
    const before = (ms: number): string => new Date(now.getTime() - ms).toISOString();
    const [verdict, since] = (await this.#redis.eval(
      BEGIN,
      1,
      this.#key,
      condition.id,
      write({ ...condition, told: false, seenAt: now, mutedUntil, ...(text !== '' && { text }) }),
      now.toISOString(),
      before(FORGET_AFTER_MS),
      before(TOLD_WITHIN_MS),
      FORGET_AFTER_MS,
      mutedUntil?.toISOString() ?? '',
      text,
    )) as [AlertVerdict, string | null];
    return { verdict, since: since === null ? condition.since : new Date(since) };
  }

  /**
   * Notes that these were told, where they are still on since then: what has ended meanwhile does not come back. `to` says whom, where that is
   * known.
   */
  async markTold(
    alerts: readonly Pick<StoredCondition, 'id' | 'since'>[],
    now: Date,
    { round = '', to = [] }: { round?: string; to?: readonly number[] } = {},
  ): Promise<void> {
    if (alerts.length === 0) return;
    const args = alerts.flatMap(({ id, since }) => [id, since.toISOString()]);
    await this.#redis.eval(MARK_TOLD, 1, this.#key, now.toISOString(), to.join(','), round, ...args);
  }

  /** The alerts among these that are on. */
  async find(ids: readonly string[], now: Date): Promise<ActiveAlert[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(this.#key, ...ids);
    const found = ids.flatMap((id, i) => (texts[i] == null ? [] : [[id, texts[i]] as const]));
    return (await this.#read(found)).filter((alert) => !isForgotten(alert, now));
  }

  /** Takes these off. Answers the ids that were on; each is answered to one caller only. */
  async remove(ids: readonly string[], now: Date): Promise<string[]> {
    const removed = await Promise.all(ids.map((id) => this.#redis.hdel(this.#key, id)));
    const gone = ids.filter((_, i) => removed[i] === 1);
    if (gone.length > 0) {
      await this.#redis.zadd(keys.alertsEnded(), ...gone.flatMap((id) => [now.getTime(), id]));
      await this.#redis.zremrangebyscore(keys.alertsEnded(), 0, now.getTime() - ENDED_KEPT_MS);
    }
    return gone;
  }

  /**
   * Changes fields of an alert where it is the one that began at `since` and `guard` has this value there, empty for none: of two callers who
   * saw the same one changes it. A field of null is taken out.
   */
  async change(
    { id, since }: Pick<StoredCondition, 'id' | 'since'>,
    guard: readonly [field: string, value: string],
    fields: Readonly<Record<string, string | boolean | null>>,
  ): Promise<boolean> {
    const args = [id, since.toISOString(), ...guard, JSON.stringify(fields)];
    return (await this.#redis.eval(CHANGE, 1, this.#key, ...args)) === 1;
  }

  /** Whether an alert with this id was on in the last 30 days and has ended. */
  async hasEnded(id: string): Promise<boolean> {
    return (await this.#redis.zscore(keys.alertsEnded(), id)) !== null;
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
    const records = await this.#read(Object.entries(await this.#redis.hgetall(this.#key)));
    return records
      .filter((alert) => !isForgotten(alert, now))
      .sort((a, b) => a.since.getTime() - b.since.getTime() || (a.id < b.id ? -1 : 1));
  }

  /**
   * Those that can be read. The others are said and taken out, and every watch asks again what is on: as after a loss of Redis, the rows that
   * told an alert still know it.
   */
  async #read(texts: readonly (readonly [id: string, text: string])[]): Promise<ActiveAlert[]> {
    const { holes, items } = readNamed(texts, alertsOn, this.#onRead);
    if (holes.length > 0) {
      const odd = new Set(holes.map(({ ids }) => ids.name));
      const gone = texts.filter(([id]) => odd.has(id));
      await Promise.all(gone.map(([id, text]) => this.#redis.eval(TAKE_OUT, 1, this.#key, id, text)));
      await this.#redis.del(keys.alertsRecalled());
    }
    return items.map(([, alert]) => ({ ...alert, lasts: this.#lasts }));
  }
}

const isForgotten = (alert: ActiveAlert, now: Date): boolean =>
  now.getTime() - alert.seenAt.getTime() > FORGET_AFTER_MS;

function write(alert: Omit<ActiveAlert, 'lasts'>): string {
  const { acknowledged, covers, id, kind, mutedUntil, seenAt, severity, since, subject, text, told } = alert;
  const answered = { acknowledged_by: acknowledged?.by, acknowledged_at: acknowledged?.at, muted_until: mutedUntil };
  return JSON.stringify({ id, kind, severity, subject, since, told, seen_at: seenAt, text, covers, ...answered });
}
