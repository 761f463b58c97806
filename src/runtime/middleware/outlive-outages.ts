import { minutes, seconds } from '../../lib/duration.ts';
import { errorMessage, SnoozeError } from '../../lib/errors.ts';
import { ageMsOf, laterMs } from '../../lib/later.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Middleware } from '../compose.ts';

/** A server that is away comes back in seconds or in hours: looks are rarer the longer it takes, and end after a day. */
const PATIENCE = { atLeastMs: seconds(5), atMostMs: minutes(5) };

/**
 * Long work that somebody asked for once has no retries, but a PostgreSQL or Redis that was away does not end it: the job goes on when
 * they are back. Every such task takes up what an earlier run left.
 */
export const outliveOutages: Middleware = async (run, next) => {
  try {
    return await next(run);
  } catch (error) {
    const isLongWork = run.task.timeLimitMs === 'none';
    const delayMs = laterMs(ageMsOf(run.context), PATIENCE);
    if (!isLongWork || run.context.signal.aborted || delayMs === undefined || !isServerAway(error)) throw error;
    throw new SnoozeError(`${run.task.name}: a server is away: ${errorMessage(error)}`, { delayMs, cause: error });
  }
};
