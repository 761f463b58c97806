import { PermanentError } from '../../lib/errors.ts';
import type { Middleware } from '../compose.ts';

/**
 * Starts without an outcome after which a job becomes a dead letter: enough that a series of kills loses nothing, few enough to stop a
 * loop.
 */
const MAX_STARTS = 10;

/** A job that ends its process each time runs at most 10 times. BullMQ's own limit does not hold for scheduled jobs. */
export const guardPoison: Middleware = (run, next) => {
  if (run.job.stalls < MAX_STARTS) return next(run);
  const message = `${run.task.name}: started ${run.job.stalls} times without an outcome, so it may be what ends the worker; replay it once the cause is known`;
  throw new PermanentError('poison_job', message);
};
