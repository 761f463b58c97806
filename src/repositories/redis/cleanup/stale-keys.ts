import { days, hours, seconds } from '../../../lib/duration.ts';
import { mastersOf, type RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

export type SweepCounts = { scanned: number; removed: number; trimmed: number; failed: number };

/** Keys per SCAN call: well under a millisecond of the server's time. */
const PAGE = 500;

/**
 * Scores below this are seconds, above it milliseconds: as seconds it is the year 5138, as milliseconds 1973. The Python worker wrote
 * scores in seconds; this one writes milliseconds.
 */
const FIRST_MILLISECOND_SCORE = 1e11;

/** The treatment of keys that match a pattern. A key that matches no rule is never touched. */
type Rule = { readonly pattern: RegExp } & (
  | {
      /** The end of the time in the key's name, plus the time that the key is kept. */ readonly goneAt: (
        time: string,
      ) => number;
    }
  | { readonly trimBefore: (now: number) => number }
  | { readonly withoutExpiry: true }
);

const SEGMENT = '[^:]+';
const DATE = '(\\d{4}-\\d{2}-\\d{2})';
const HOUR = '(\\d{4}-\\d{2}-\\d{2}T\\d{2})';

/** The patterns come from the builders of the keys, so that a name is written once. */
const RULES: readonly Rule[] = [
  { pattern: exactly(keys.dailyStats(DATE)), goneAt: (date) => Date.parse(date) + days(1) + days(90) },
  { pattern: exactly(keys.paymentStats(DATE)), goneAt: (date) => Date.parse(date) + days(1) + days(90) },
  {
    pattern: exactly(keys.bandwidthHourly(SEGMENT, HOUR)),
    goneAt: (hour) => Date.parse(`${hour}:00Z`) + hours(1) + days(30),
  },
  // The Python worker wrote one key per snapshot.
  { pattern: exactly(`${keys.bandwidth(SEGMENT)}:(\\d{9,11})`), goneAt: (epoch) => seconds(Number(epoch)) + hours(48) },
  { pattern: exactly(keys.bandwidth(SEGMENT)), trimBefore: (now) => now - hours(48) },
  { pattern: exactly(keys.nodeHealthHistory(SEGMENT)), trimBefore: (now) => now - days(7) },
  // Redis expires the others.
  { pattern: exactly(keys.cache('.+')), withoutExpiry: true },
];

/** Removes outdated keys among those that this worker writes, with SCAN and UNLINK, which do not block Redis. */
export class StaleKeys {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Scans all keys once. A key of an unexpected type counts as failed and stays. */
  async sweep(now: Date, signal: AbortSignal): Promise<SweepCounts> {
    const counts: SweepCounts = { scanned: 0, removed: 0, trimmed: 0, failed: 0 };
    // In a cluster each master knows only its own keys.
    for (const master of mastersOf(this.#redis)) {
      let cursor = '0';
      do {
        signal.throwIfAborted();
        const [next, page] = await master.scan(cursor, 'MATCH', keys.all(), 'COUNT', PAGE);
        await this.#treat(page, now.getTime(), counts);
        cursor = next;
      } while (cursor !== '0');
    }
    return counts;
  }

  async #treat(page: readonly string[], now: number, counts: SweepCounts): Promise<void> {
    counts.scanned += page.length;
    const results = await Promise.allSettled(page.map((key) => this.#treatOne(key, now)));
    for (const result of results) {
      if (result.status === 'rejected') {
        if (!isWrongType(result.reason)) throw result.reason;
        counts.failed += 1;
      } else {
        counts.removed += result.value.removed;
        counts.trimmed += result.value.trimmed;
      }
    }
  }

  /** The connection pipelines the commands of many keys. */
  async #treatOne(key: string, now: number): Promise<{ removed: number; trimmed: number }> {
    for (const rule of RULES) {
      const match = rule.pattern.exec(key);
      if (!match) continue;
      if ('trimBefore' in rule) return { removed: 0, trimmed: await this.#trim(key, rule.trimBefore(now)) };
      // A date that is not in the calendar gives NaN, which compares as not outdated.
      const isStale = 'goneAt' in rule ? rule.goneAt(match[1]!) < now : (await this.#redis.pttl(key)) === NO_EXPIRY;
      return { removed: isStale ? await this.#redis.unlink(key) : 0, trimmed: 0 };
    }
    return { removed: 0, trimmed: 0 };
  }

  async #trim(key: string, before: number): Promise<number> {
    const [inSeconds, inMilliseconds] = await Promise.all([
      this.#redis.zremrangebyscore(key, '-inf', `(${before / 1000}`),
      this.#redis.zremrangebyscore(key, FIRST_MILLISECOND_SCORE, `(${before}`),
    ]);
    return inSeconds + inMilliseconds;
  }
}

/** PTTL returns this for a key without expiry. */
const NO_EXPIRY = -1;

function exactly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const isWrongType = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGTYPE');
