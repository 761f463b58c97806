import { isAnswerLost } from '../../clients/remnawave/errors.ts';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { hours, minutes } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { ReceiptLine } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { TrafficResets } from '../../repositories/redis/subscriptions/traffic-resets.ts';
import { userLine } from './user-line.ts';

/** Users per bulk call; panel 3.x takes 500 at most. */
const BATCH = 100;
/** The panel queues a bulk call and does it within seconds. A reset that is not done by then was lost, and is asked for again. */
const ASK_AGAIN_AFTER_MS = minutes(5);
/** A panel that has not done by then what it was asked for will not do it. */
const GIVE_UP_AFTER_MS = hours(2);
/** The panel's clock may be behind ours: a reset that we asked for at midnight must not look like last month's. */
const CLOCK_SKEW_MS = minutes(5);

/** `YYYY-MM` of the month in UTC, and when it began. */
export function monthOf(at: Date): { month: string; startedAt: Date } {
  const startedAt = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
  return { month: startedAt.toISOString().slice(0, 7), startedAt };
}

/** Whether this user's monthly reset is ours to make at all: running, with a limit, and no strategy by which the panel does it. */
export function isOurs(user: PanelUser, strategies: ReadonlySet<string>): boolean {
  const isRunning = user.status === 'ACTIVE' || user.status === 'LIMITED';
  return isRunning && user.trafficLimitBytes > 0 && strategies.has(user.trafficLimitStrategy);
}

/** Whether the reset of the month that began then is done, by anybody. */
export function isReset({ lastTrafficResetAt }: PanelUser, monthStartedAt: Date): boolean {
  return lastTrafficResetAt !== undefined && lastTrafficResetAt.getTime() >= monthStartedAt.getTime() - CLOCK_SKEW_MS;
}

/** Whether there is something to reset: not for who has used nothing, or came in this month. */
export function isDue(user: PanelUser, monthStartedAt: Date): boolean {
  return user.usedTrafficBytes > 0 && user.createdAt < monthStartedAt && !isReset(user, monthStartedAt);
}

/** A reset as a line of a receipt, with the traffic that it takes back to zero. */
export const resetLine = (user: PanelUser, month: string): ReceiptLine => ({
  act: uuidFrom(`traffic-reset:${month}:${user.username.toLowerCase()}`),
  ...userLine('reset', user),
  was: {
    status: user.status,
    expire_at: user.expireAt.toISOString(),
    used_traffic_bytes: user.usedTrafficBytes,
    traffic_limit_bytes: user.trafficLimitBytes,
  },
});

/**
 * Asks the panel to reset traffic, each user once. The panel itself says which resets are done, so a run that was cut off goes on where
 * it was even when Redis has forgotten everything.
 */
export class MonthlyResets {
  readonly #panel: Pick<Panel, 'bulkResetTraffic'>;
  readonly #resets: TrafficResets;

  constructor(panel: Pick<Panel, 'bulkResetTraffic'>, resets: TrafficResets) {
    this.#panel = panel;
    this.#resets = resets;
  }

  /** Rejects with `PermanentError` where the panel was first asked so long ago that it will not act; the next run then begins anew. */
  async mustBeHeard(month: string, now: Date): Promise<void> {
    const firstAskedAt = await this.#resets.firstAskedAt(month);
    if (!firstAskedAt || now.getTime() - firstAskedAt.getTime() <= GIVE_UP_AFTER_MS) return;
    await this.#resets.forget(month);
    const message = `monthly traffic reset: the panel has not done since ${firstAskedAt.toISOString()} what it was asked for; look at its queue, then dispatch reset_monthly_traffic again`;
    throw new PermanentError('reset_unconfirmed', message);
  }

  /** Asks for those of these that were not asked for in the last minutes. Answers how many. The panel may do it later: read again. */
  async ask(users: readonly PanelUser[], month: string, now: Date, signal: AbortSignal): Promise<number> {
    const askedAt = await this.#resets.askedAt(
      month,
      users.map(({ id }) => id),
    );
    const ids = users
      .filter((_, i) => now.getTime() - (askedAt[i]?.getTime() ?? Number.NEGATIVE_INFINITY) > ASK_AGAIN_AFTER_MS)
      .map(({ id }) => id);
    for (let from = 0; from < ids.length; from += BATCH) {
      signal.throwIfAborted();
      await this.#askFor(ids.slice(from, from + BATCH), month, now, signal);
    }
    return ids.length;
  }

  async #askFor(ids: readonly string[], month: string, now: Date, signal: AbortSignal): Promise<void> {
    await this.#resets.ask(month, ids, now);
    try {
      await this.#panel.bulkResetTraffic(ids, signal);
    } catch (error) {
      // It may have been taken: the next reading shows it, and before that it is not asked for again.
      if (isAnswerLost(error) && !signal.aborted) return;
      await this.#resets.withdraw(month, ids).catch(() => undefined);
      throw error;
    }
  }
}
