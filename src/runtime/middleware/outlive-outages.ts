import { days, minutes, seconds } from '../../lib/duration.ts';
import { errorMessage, SnoozeError } from '../../lib/errors.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Middleware } from '../compose.ts';

/** A server that is away comes back in seconds or in hours: looks are rarer the longer it takes, and end after a day. */
const AGAIN_AT_LEAST_MS = seconds(5);
const AGAIN_AT_MOST_MS = minutes(5);
const GIVE_UP_AFTER_MS = days(1);

/**
 * Long work that somebody asked for once has no retries, but a PostgreSQL or Redis that was away does not end it: the job goes on when
 * they are back. Every such task takes up what an earlier run left.
 */
export const outliveOutages: Middleware = async (run, next) => {
  try {
    return await next(run);
  } catch (error) {
    const { enqueuedAt, now, signal } = run.context;
    const ageMs = now.getTime() - enqueuedAt.getTime();
    const isLongWork = run.task.timeLimitMs === 'none';
    if (!isLongWork || signal.aborted || ageMs >= GIVE_UP_AFTER_MS || !isServerAway(error)) throw error;
    const delayMs = Math.min(Math.max(AGAIN_AT_LEAST_MS, ageMs / 10), AGAIN_AT_MOST_MS);
    throw new SnoozeError(`${run.task.name}: a server is away: ${errorMessage(error)}`, { delayMs, cause: error });
  }
};
