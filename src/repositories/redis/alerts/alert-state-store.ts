import { z } from 'zod';
import { days, seconds } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedTime } from '../json-entries.ts';
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
  /** As the admins read its beginning, with HTML. */
  text?: string | undefined;
  acknowledged?: { by: string; at: Date } | undefined;
  /** It was muted until this time at the last look; the mute itself is kept apart, for it outlives the alert. */
  mutedUntil?: Date | undefined;
};

/** `hush`: it began while it is muted. */
export type AlertVerdict = 'tell' | 'on' | 'hush';

const alertsOn: JsonEntries<ActiveAlert> = {
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
      acknowledged_by: z.string().optional(),
      acknowledged_at: storedTime.optional(),
      muted_until: storedTime.optional(),
    })
    .transform(({ acknowledged_at: at, acknowledged_by: by, muted_until: mutedUntil, seen_at: seenAt, ...rest }) => ({
      ...rest,
      ...{ mutedUntil, seenAt },
      acknowledged: by !== undefined && at ? { by, at } : undefined,
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

/** The record of an alert; nil where there is none that can be read. */
export const KNOWN = `
local function knownAs(text)
  local isJson, known = pcall(cjson.decode, text or '')
  if isJson and type(known) == 'table' and type(known.seen_at) == 'string' and type(known.since) == 'string' then return known end
end`;

/**
 * One step, so that of all who see a condition at the same moment one tells it: when it is new or forgotten, and when the caller that claimed the
 * telling has not done it. One that is muted waits until somebody tells it after the mute. Times are ISO 8601 in UTC, which sort as text.
 * KEYS: the alerts. ARGV: the id, its record, now, the times before which it is forgotten and its telling is the next caller's, how long
 * Redis keeps all, until when it is muted or nothing, and its text. Answers the verdict and since when it is on.
 */
const BEGIN = `${KNOWN}
redis.call('PEXPIRE', KEYS[1], ARGV[6])
local isMuted = ARGV[7] ~= ''
local known = knownAs(redis.call('HGET', KEYS[1], ARGV[1]))
if not known or known.seen_at < ARGV[4] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  return {isMuted and 'hush' or 'tell', false}
end
local waits = isMuted or known.muted_until
local orphaned = not known.told and not waits and known.seen_at < ARGV[5]
if known.told or orphaned or waits then
  known.seen_at = ARGV[3]
  if isMuted then known.muted_until = ARGV[7] end
  if not known.text then known.text = ARGV[8] end
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(known))
end
return {orphaned and 'tell' or 'on', known.since}`;

/**
 * One step, so that an alert that ended in between stays ended, and one that began again is its own: only the record of the same beginning is
 * marked. KEYS: the alerts. ARGV: now, then the id and since when, for each.
 */
const MARK_TOLD = `${KNOWN}
for i = 2, #ARGV, 2 do
  local known = knownAs(redis.call('HGET', KEYS[1], ARGV[i]))
  if known and known.since == ARGV[i + 1] then
    known.told = true
    if known.seen_at < ARGV[1] then known.seen_at = ARGV[1] end
    redis.call('HSET', KEYS[1], ARGV[i], cjson.encode(known))
  end
end`;

/** Takes out what nobody can read, unless it was replaced meanwhile. KEYS: the alerts. ARGV: the field, its text. */
const TAKE_OUT = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end`;

/** Alerts that are on, in one hash, so that a begin and an end each have exactly one winner. */
export class AlertStateStore {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /**
   * Notes that a condition is on. `tell`: the caller is the one to tell; `on`: somebody has or is about to; `hush`: nobody is to be told yet.
   * `since` is when it began for the one who saw it first.
   */
  async begin(
    condition: AlertCondition,
    now: Date,
    { mutedUntil, text = '' }: { mutedUntil?: Date | undefined; text?: string } = {},
  ): Promise<{ verdict: AlertVerdict; since: Date }> {
    const before = (ms: number): string => new Date(now.getTime() - ms).toISOString();
    const [verdict, since] = (await this.#redis.eval(
      BEGIN,
      1,
      keys.alertsOn(),
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

  /** Notes that these were told, where they are still on since then: what has ended meanwhile does not come back. */
  async markTold(alerts: readonly Pick<AlertCondition, 'id' | 'since'>[], now: Date): Promise<void> {
    if (alerts.length === 0) return;
    const args = alerts.flatMap(({ id, since }) => [id, since.toISOString()]);
    await this.#redis.eval(MARK_TOLD, 1, keys.alertsOn(), now.toISOString(), ...args);
  }

  /** The alerts among these that are on. */
  async find(ids: readonly string[], now: Date): Promise<ActiveAlert[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(keys.alertsOn(), ...ids);
    const found = ids.flatMap((id, i) => (texts[i] == null ? [] : [[id, texts[i]] as const]));
    return (await this.#read(found)).filter((alert) => !isForgotten(alert, now));
  }

  /** Takes these off. Answers the ids that were on; each is answered to one caller only. */
  async remove(ids: readonly string[], now: Date): Promise<string[]> {
    const removed = await Promise.all(ids.map((id) => this.#redis.hdel(keys.alertsOn(), id)));
    const gone = ids.filter((_, i) => removed[i] === 1);
    if (gone.length > 0) {
      await this.#redis.zadd(keys.alertsEnded(), ...gone.flatMap((id) => [now.getTime(), id]));
      await this.#redis.zremrangebyscore(keys.alertsEnded(), 0, now.getTime() - ENDED_KEPT_MS);
    }
    return gone;
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
    const records = await this.#read(Object.entries(await this.#redis.hgetall(keys.alertsOn())));
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
      await Promise.all(gone.map(([id, text]) => this.#redis.eval(TAKE_OUT, 1, keys.alertsOn(), id, text)));
      await this.#redis.del(keys.alertsRecalled());
    }
    return items.map(([, alert]) => alert);
  }
}

const isForgotten = (alert: ActiveAlert, now: Date): boolean =>
  now.getTime() - alert.seenAt.getTime() > FORGET_AFTER_MS;

function write(alert: ActiveAlert): string {
  const { acknowledged, id, kind, mutedUntil, seenAt, severity, since, subject, text, told } = alert;
  const answered = { acknowledged_by: acknowledged?.by, acknowledged_at: acknowledged?.at, muted_until: mutedUntil };
  return JSON.stringify({ id, kind, severity, subject, since, told, seen_at: seenAt, text, ...answered });
}
