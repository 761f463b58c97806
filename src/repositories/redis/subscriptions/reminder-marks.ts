import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** One notice of one panel user: `kind` is a bracket, `expired` or `traffic`. */
export type NoticeKey = { userId: string; kind: string };

/** A mark of the Python worker, which has no date. It is removed when the notice's bracket is over. */
const UNDATED = /^\{\s*"sent":\s*true\s*\}$/;

/** The Python worker told the user, for an unknown expiry date. */
export const TOLD_UNDATED = 'undated';

/** The occasion for which each notice was sent: an expiry date, or an allowance of traffic. It caches `notification_queue`, so losing it sends no notice twice. */
export class ReminderMarks {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** The occasion of each notice's last send, or `TOLD_UNDATED`, in the order given; undefined where there is no mark. */
  async told(notices: readonly NoticeKey[]): Promise<(string | undefined)[]> {
    const found = await Promise.all(
      notices.map(({ userId, kind }) => this.#redis.get(keys.subscriptionReminder(userId, kind))),
    );
    return found.map((date) => (date !== null && UNDATED.test(date) ? TOLD_UNDATED : (date ?? undefined)));
  }

  /** Records that these notices were sent. */
  async mark(notices: readonly (NoticeKey & { occasion: string; ttlMs: number })[]): Promise<void> {
    await Promise.all(
      notices.map(({ userId, kind, occasion, ttlMs }) =>
        this.#redis.set(keys.subscriptionReminder(userId, kind), occasion, 'PX', ttlMs),
      ),
    );
  }
}
