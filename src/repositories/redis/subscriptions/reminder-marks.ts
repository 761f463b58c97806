import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** One notice of one panel user: `kind` is a bracket, or `expired`. */
export type NoticeKey = { userId: string; kind: string };

/** What the Python worker wrote: that somebody was told, without the date. It goes when the notice's bracket is over. */
const UNDATED = /^\{\s*"sent":\s*true\s*\}$/;

/** Told by the Python worker, for an expiry date that it did not note. */
export const TOLD_UNDATED = 'undated';

/** For which expiry date a user was told what. A cache of what `notification_queue` says: losing it tells nobody twice. */
export class ReminderMarks {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** The expiry date that each was last told of, or `TOLD_UNDATED`, in the order asked; undefined where nothing is remembered. */
  async told(notices: readonly NoticeKey[]): Promise<(string | undefined)[]> {
    const found = await Promise.all(
      notices.map(({ userId, kind }) => this.#redis.get(keys.subscriptionReminder(userId, kind))),
    );
    return found.map((date) => (date !== null && UNDATED.test(date) ? TOLD_UNDATED : (date ?? undefined)));
  }

  /** Remembers that these were told. */
  async mark(notices: readonly (NoticeKey & { expireAt: Date; ttlMs: number })[]): Promise<void> {
    await Promise.all(
      notices.map(({ userId, kind, expireAt, ttlMs }) =>
        this.#redis.set(keys.subscriptionReminder(userId, kind), expireAt.toISOString(), 'PX', ttlMs),
      ),
    );
  }
}
