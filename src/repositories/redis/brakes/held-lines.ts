import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Longer than a hold is answered and its answer holds. */
const KEPT_MS = days(3);

/**
 * The lines that the admins were shown of a held run, by brake. They lie with the hold: when Redis loses both, the next run holds again, and
 * shows a new list. A hundred bytes a line.
 */
export class HeldLines {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Forgets the lines of an earlier list. */
  async begin(brake: string): Promise<void> {
    await this.#redis.unlink(keyOf(brake));
  }

  async add(brake: string, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const key = keyOf(brake);
    await Promise.all([this.#redis.sadd(key, ...lines), this.#redis.pexpire(key, KEPT_MS)]);
  }

  /** Which of these were shown, in their order. */
  async were(brake: string, lines: readonly string[]): Promise<readonly boolean[]> {
    if (lines.length === 0) return [];
    return (await this.#redis.smismember(keyOf(brake), ...lines)).map((found) => found === 1);
  }
}

const keyOf = (brake: string): string => keys.brake(`lines:${brake}`);
