import { seconds } from '../../lib/duration.ts';
import { errorMessage, OutageSnooze, TransientError } from '../../lib/errors.ts';
import { ageMsOf, laterMs } from '../../lib/later.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Middleware, Run } from '../compose.ts';

/** Rare enough that an outage costs nothing, often enough that the work goes on within 10 s of its end. A job waits for at most a day. */
const PATIENCE = { atLeastMs: seconds(2), atMostMs: seconds(5) };

/**
 * An outage of PostgreSQL or Redis costs a job no attempt: it goes on when they are back, and does not wait for the delays of its retries, which
 * are meant for outside services. Long work continues from where an earlier run stopped. A short task that somebody runs by hand ends with
 * the error, because he waits for an answer.
 */
export const outliveOutages: Middleware = async (run, next) => {
  try {
    return await next(run);
  } catch (error) {
    const delayMs = laterMs(ageMsOf(run.context), PATIENCE);
    if (run.context.signal.aborted || delayMs === undefined || !isOutage(error, run)) throw error;
    run.context.log.warn({ err: error }, 'a server is away, the job goes on when it is back');
    throw new OutageSnooze(`${run.task.name}: a server is away: ${errorMessage(error)}`, { delayMs, cause: error });
  }
};

/** Clients of outside services throw `TransientError`, whose cause may be an error of the same network: retries are for those. */
function isOutage(error: unknown, { job, task }: Run): boolean {
  if (task.timeLimitMs === 'none') return isServerAway(error);
  return job.isQueued && !(error instanceof TransientError) && isServerAway(error);
}
