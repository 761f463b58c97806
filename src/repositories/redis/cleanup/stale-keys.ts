import { days, hours, seconds } from '../../../lib/duration.ts';
import { mastersOf, type RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

export type SweepCounts = { scanned: number; removed: number; trimmed: number; failed: number };

/** Keys asked for at once: well under a millisecond of the server's time. */
const PAGE = 500;

/**
 * Scores below this are seconds, above it milliseconds: as seconds it is the year 5138, as milliseconds 1973. The Python worker
 * scored in seconds what this one scores in milliseconds.
 */
const FIRST_MILLISECOND_SCORE = 1e11;

/** What is done with a key that matches; a key that matches no rule is never touched. */
type Rule = { readonly pattern: RegExp } & (
  | {
      /** When the time in the name began to be over, plus what it is kept. */ readonly goneAt: (
        time: string,
      ) => number;
    }
  | { readonly trimBefore: (now: number) => number }
  | { readonly withoutExpiry: true }
);

const SEGMENT = '[^:]+';
const DATE = '(\\d{4}-\\d{2}-\\d{2})';
const HOUR = '(\\d{4}-\\d{2}-\\d{2}T\\d{2})';

/** Built from the keys' own builders, so that a name is written once. */
const RULES: readonly Rule[] = [
  { pattern: exactly(keys.dailyStats(DATE)), goneAt: (date) => Date.parse(date) + days(1) + days(90) },
  { pattern: exactly(keys.paymentStats(DATE)), goneAt: (date) => Date.parse(date) + days(1) + days(90) },
  {
    pattern: exactly(keys.bandwidthHourly(SEGMENT, HOUR)),
    goneAt: (hour) => Date.parse(`${hour}:00Z`) + hours(1) + days(30),
  },
  // One key per snapshot: the form of the Python worker.
  { pattern: exactly(`${keys.bandwidth(SEGMENT)}:(\\d{9,11})`), goneAt: (epoch) => seconds(Number(epoch)) + hours(48) },
  { pattern: exactly(keys.bandwidth(SEGMENT)), trimBefore: (now) => now - hours(48) },
  { pattern: exactly(keys.nodeHealthHistory(SEGMENT)), trimBefore: (now) => now - days(7) },
  // What has an expiry goes by itself.
  { pattern: exactly(keys.cache('.+')), withoutExpiry: true },
];

/** Removes what is past its time among the keys that this worker writes, by SCAN and UNLINK: nothing here blocks Redis. */
export class StaleKeys {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Goes once over all keys. A key that could not be treated, because it is of another type, counts as failed and stays. */
  async sweep(now: Date, signal: AbortSignal): Promise<SweepCounts> {
    const counts: SweepCounts = { scanned: 0, removed: 0, trimmed: 0, failed: 0 };
    // In a cluster every master knows only keys of its own.
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

  /** The connection sends what many keys need without waiting in between. */
  async #treatOne(key: string, now: number): Promise<{ removed: number; trimmed: number }> {
    for (const rule of RULES) {
      const match = rule.pattern.exec(key);
      if (!match) continue;
      if ('trimBefore' in rule) return { removed: 0, trimmed: await this.#trim(key, rule.trimBefore(now)) };
      // A date that the calendar does not know compares as not gone.
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

/** Redis' answer of PTTL for a key that stays for ever. */
const NO_EXPIRY = -1;

function exactly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const isWrongType = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGTYPE');
