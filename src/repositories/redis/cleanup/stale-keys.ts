import { days, hours, seconds } from '../../../lib/duration.ts';
import { mastersOf, type RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

export type SweepCounts = { scanned: number; removed: number; trimmed: number; failed: number };

/** A key that is removed as a whole, or whose old entries are. */
export type StaleKey = { readonly key: string } & (
  | { readonly does: 'remove' }
  | { readonly does: 'trim'; readonly before: number; readonly entries: number }
);

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
    for await (const { failed, scanned, stale } of this.find(now, signal)) {
      counts.scanned += scanned;
      counts.failed += failed;
      for (const { removed, trimmed } of await Promise.all(stale.map((one) => this.#treat(one)))) {
        counts.removed += removed;
        counts.trimmed += trimmed;
      }
    }
    return counts;
  }

  /** What a sweep would treat, page by page. Changes nothing. */
  async *find(now: Date, signal: AbortSignal): AsyncGenerator<{ stale: StaleKey[]; scanned: number; failed: number }> {
    // In a cluster each master knows only its own keys.
    for (const master of mastersOf(this.#redis)) {
      let cursor = '0';
      do {
        signal.throwIfAborted();
        const [next, page] = await master.scan(cursor, 'MATCH', keys.all(), 'COUNT', PAGE);
        yield await this.#look(page, now.getTime());
        cursor = next;
      } while (cursor !== '0');
    }
  }

  async #look(page: readonly string[], now: number): Promise<{ stale: StaleKey[]; scanned: number; failed: number }> {
    const results = await Promise.allSettled(page.map((key) => this.#staleness(key, now)));
    const refused = results.filter((result) => result.status === 'rejected');
    for (const { reason } of refused) if (!isWrongType(reason)) throw reason;
    const stale = results.flatMap((result) => (result.status === 'fulfilled' ? (result.value ?? []) : []));
    return { stale, scanned: page.length, failed: refused.length };
  }

  /** The connection pipelines the commands of many keys. */
  async #staleness(key: string, now: number): Promise<StaleKey | undefined> {
    for (const rule of RULES) {
      const match = rule.pattern.exec(key);
      if (!match) continue;
      if ('trimBefore' in rule) return await this.#oldEntries(key, rule.trimBefore(now));
      // A date that is not in the calendar gives NaN, which compares as not outdated.
      const isStale = 'goneAt' in rule ? rule.goneAt(match[1]!) < now : (await this.#redis.pttl(key)) === NO_EXPIRY;
      return isStale ? { key, does: 'remove' } : undefined;
    }
    return undefined;
  }

  async #oldEntries(key: string, before: number): Promise<StaleKey | undefined> {
    const found = await Promise.all(scoresBefore(before).map(([from, to]) => this.#redis.zcount(key, from, to)));
    const entries = found.reduce((sum, count) => sum + count, 0);
    return entries === 0 ? undefined : { key, does: 'trim', before, entries };
  }

  async #treat(stale: StaleKey): Promise<{ removed: number; trimmed: number }> {
    const { key } = stale;
    if (stale.does === 'remove') return { removed: await this.#redis.unlink(key), trimmed: 0 };
    const trimmed = await Promise.all(
      scoresBefore(stale.before).map(([from, to]) => this.#redis.zremrangebyscore(key, from, to)),
    );
    return { removed: 0, trimmed: trimmed.reduce((sum, count) => sum + count, 0) };
  }
}

/** Scores of entries from before then, which are in seconds or in milliseconds. */
const scoresBefore = (before: number): readonly (readonly [string | number, string])[] => [
  ['-inf', `(${before / 1000}`],
  [FIRST_MILLISECOND_SCORE, `(${before}`],
];

/** PTTL returns this for a key without expiry. */
const NO_EXPIRY = -1;

function exactly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const isWrongType = (error: unknown): boolean => error instanceof Error && error.message.startsWith('WRONGTYPE');
