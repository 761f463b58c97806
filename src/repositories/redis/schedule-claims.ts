import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import type { OnRead } from '../../lib/read-each.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { type JsonEntries, readEntry } from './json-entries.ts';
import { keys } from './keys.ts';

/** The schedules that hold, and the scheduler that set them. */
export type ScheduleClaim = {
  /** Each schedule as text, by task; undefined where it cannot be read, as that of another version. It holds anyway. */
  schedules: Readonly<Record<string, string>> | undefined;
  /** Names the process. */
  by: string;
  /** When the newest scheduler with these schedules first claimed, by the clock of Redis. */
  startedAt: Date;
};

const claims: JsonEntries<Record<string, string>> = {
  source: 'schedule_claims',
  entry: z.record(z.string(), z.string()),
};

/** A scheduler claims every 20 s: one that has not for this long is gone, and its configuration with it. */
const GONE_AFTER_MS = minutes(1.5);

/**
 * Keeps the newest claim. Answers the time of the caller's own start, and the claim that holds. ARGV: the schedules, the process, the time of
 * its start or 0, milliseconds after which a claim is gone.
 */
const CLAIM = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local started = tonumber(ARGV[3])
if started == 0 then started = now end
local held = redis.call('HMGET', KEYS[1], 'schedules', 'by', 'startedAt')
local newest = started
local theirs = tonumber(held[3] or '')
if held[1] and held[2] and theirs then
  if held[1] ~= ARGV[1] and theirs >= started then return { string.format('%d', started), held[1], held[2], held[3] } end
  if held[1] == ARGV[1] and theirs > newest then newest = theirs end
end
redis.call('HSET', KEYS[1], 'schedules', ARGV[1], 'by', ARGV[2], 'startedAt', string.format('%d', newest))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { string.format('%d', started), ARGV[1], ARGV[2], string.format('%d', newest) }`;

/** Decides between schedulers whose configurations differ, as during a rollout: the one that started last. */
export class ScheduleClaims {
  readonly #redis: RedisClient;
  readonly #by: string;
  readonly #onRead: OnRead | undefined;
  /** When this process first claimed, in milliseconds; 0 before. */
  #startedAtMs = 0;

  /** `by` names this process. */
  constructor(redis: RedisClient, by: string, onRead?: OnRead) {
    this.#redis = redis;
    this.#by = by;
    this.#onRead = onRead;
  }

  /** Claims for these schedules. Answers the newer claim of others that holds instead; undefined where these hold. */
  async claim(schedules: Readonly<Record<string, string>>): Promise<ScheduleClaim | undefined> {
    const mine = textOf(schedules);
    const args = [mine, this.#by, this.#startedAtMs, GONE_AFTER_MS];
    const answer = (await this.#redis.eval(CLAIM, 1, keys.scheduleClaim(), ...args)) as [
      string,
      string,
      string,
      string,
    ];
    const [startedAt, held, by, heldSince] = answer;
    this.#startedAtMs = Number(startedAt);
    return held === mine ? undefined : this.#read(held, by, heldSince);
  }

  /** The claim that holds now; undefined while no scheduler is up. */
  async current(): Promise<ScheduleClaim | undefined> {
    const [schedules, by, startedAt] = await this.#redis.hmget(keys.scheduleClaim(), 'schedules', 'by', 'startedAt');
    return schedules != null && by && startedAt ? this.#read(schedules, by, startedAt) : undefined;
  }

  #read(schedules: string, by: string, startedAtMs: string): ScheduleClaim {
    return { schedules: readEntry(by, schedules, claims, this.#onRead), by, startedAt: new Date(Number(startedAtMs)) };
  }
}

/** The same text for the same schedules in any order. */
const textOf = (schedules: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(schedules).sort(([a], [b]) => (a < b ? -1 : 1))));
