import { minutes, seconds } from '../../lib/duration.ts';
import { errorMessage, SnoozeError } from '../../lib/errors.ts';
import { ageMsOf, laterMs } from '../../lib/later.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Middleware } from '../compose.ts';

/** A server that is away comes back in seconds or in hours: retries become rarer over time, and end after a day. */
const PATIENCE = { atLeastMs: seconds(5), atMostMs: minutes(5) };

/**
 * An outage of PostgreSQL or Redis does not end long work that somebody asked for once, although such work has no retries: the job
 * continues when they are back. Every such task continues from where an earlier run stopped.
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
