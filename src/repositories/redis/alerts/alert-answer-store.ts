import { z } from 'zod';
import { minutes } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';
import { FORGET_AFTER_MS, KNOWN } from './alert-state-store.ts';

/** Nobody is told of an alert until then. */
export type Mute = { by: string; at: Date; until: Date };

/** What became of an answer: it stands now, another stood already, or no such alert is on. */
export type StoredAnswer = { kind: 'done' } | { kind: 'already'; by: string; at: Date } | { kind: 'not_on' };

const mutes: JsonEntries<Mute> = {
  source: 'alerts_muted',
  entry: z.object({ by: z.string(), at: storedTime, until: storedTime }),
};

/** A second person means the same mute where it would end this little later: two who tap the same button at the same time. */
const SAME_MUTE_MS = minutes(5);

/**
 * One step, so that of several people one acknowledges. KEYS: the alerts. ARGV: the id, who, now, the time before which it is forgotten, and
 * since when it must be on, or nothing.
 */
const ACKNOWLEDGE = `${KNOWN}
local known = knownAs(redis.call('HGET', KEYS[1], ARGV[1]))
if not known or known.seen_at < ARGV[4] then return {'not_on'} end
if ARGV[5] ~= '' and known.since ~= ARGV[5] then return {'not_on'} end
if known.acknowledged_by then return {'already', known.acknowledged_by, known.acknowledged_at} end
known.acknowledged_by = ARGV[2]
known.acknowledged_at = ARGV[3]
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(known))
return {'done'}`;

/** Marks an alert that is on, so that it is told again after the mute. KEYS: the alerts. ARGV: the id, the end of the mute. */
const MARK_MUTED = `${KNOWN}
local known = knownAs(redis.call('HGET', KEYS[1], ARGV[1]))
if known then
  known.muted_until = ARGV[2]
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(known))
end`;

/**
 * One step, so that of several people one mutes. KEYS: the mutes. ARGV: the id, the mute, now, its end less what counts as the same, and how
 * long Redis keeps all from now on.
 */
const MUTE = `
local isJson, known = pcall(cjson.decode, redis.call('HGET', KEYS[1], ARGV[1]) or '')
local stands = isJson and type(known) == 'table' and type(known['until']) == 'string' and known['until'] > ARGV[3]
if stands and ARGV[4] <= known['until'] then return {'already', known.by, known.at} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return {'done'}`;

/** What people have answered to alerts. Each answer has exactly one winner. Throws while Redis is away. */
export class AlertAnswerStore {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** With `since`, only the alert that began then. */
  async acknowledge(id: string, by: string, at: Date, since?: Date): Promise<StoredAnswer> {
    const forgotten = new Date(at.getTime() - FORGET_AFTER_MS).toISOString();
    const args = [id, by, at.toISOString(), forgotten, since?.toISOString() ?? ''];
    return answerOf(await this.#redis.eval(ACKNOWLEDGE, 1, keys.alertsOn(), ...args));
  }

  /** A mute that ends five minutes later than the one that stands, or more, takes its place. It holds for the id, on or not. */
  async mute(id: string, { at, by, until }: Mute): Promise<StoredAnswer> {
    const same = new Date(until.getTime() - SAME_MUTE_MS).toISOString();
    const answer = answerOf(
      await this.#redis.eval(
        ...([MUTE, 1, keys.alertsMuted(), id, JSON.stringify({ by, at, until }), at.toISOString(), same] as const),
        until.getTime() - at.getTime() + SAME_MUTE_MS,
      ),
    );
    if (answer.kind === 'done') await this.#redis.eval(MARK_MUTED, 1, keys.alertsOn(), id, until.toISOString());
    return answer;
  }

  /** False where it was not muted. */
  async unmute(id: string, now: Date): Promise<boolean> {
    const stood = (await this.mutes(now)).has(id);
    return (await this.#redis.hdel(keys.alertsMuted(), id)) === 1 && stood;
  }

  /** The mutes that stand, by id. */
  async mutes(now: Date): Promise<Map<string, Mute>> {
    const { items } = readNamed(Object.entries(await this.#redis.hgetall(keys.alertsMuted())), mutes, this.#onRead);
    const over = items.filter(([, { until }]) => until <= now).map(([id]) => id);
    // One that was made anew meanwhile would be lost here, so only what is long over is taken out.
    const old = items.filter(([, { until }]) => now.getTime() - until.getTime() > FORGET_AFTER_MS).map(([id]) => id);
    if (old.length > 0) await this.#redis.hdel(keys.alertsMuted(), ...old);
    return new Map(items.filter(([id]) => !over.includes(id)));
  }
}

function answerOf(reply: unknown): StoredAnswer {
  const [kind, by = '', at] = reply as ['done' | 'already' | 'not_on', string?, string?];
  return kind === 'already' ? { kind, by, at: new Date(at ?? 0) } : { kind };
}
