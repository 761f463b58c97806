import { SnoozeError } from '../../lib/errors.ts';
import type { Middleware } from '../compose.ts';

/**
 * The last run of a job that was cancelled while it waited has its signal fired from the start, so that its handler can undo or sum up. A
 * handler that ignores its signal and asks for another run is ended here: the word to end it has been taken, and nobody would say it again.
 */
export const endCancelled: Middleware = async (run, next) => {
  try {
    return await next(run);
  } catch (error) {
    throw run.job.isCancelled && error instanceof SnoozeError ? run.context.signal.reason : error;
  }
};
