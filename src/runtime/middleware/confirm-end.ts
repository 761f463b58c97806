import { seconds } from '../../lib/duration.ts';
import type { Middleware, Run } from '../compose.ts';
import { outcomeOf } from '../outcome.ts';

/** A run that took less time cannot have lost a lock of 10 s, so the success of a short job costs no question. */
const SHORT_MS = seconds(2.5);

/**
 * Asks Redis for the lock before the end of a job reaches the layers outside, which tell others: the action of an exhausted task, the alert,
 * the log, the result for its producer. A run that was frozen for longer than its lock ends here, without a word: another run has the job.
 */
export const confirmEnd: Middleware = async (run, next) => {
  const startedAt = performance.now();
  try {
    const result = await next(run);
    if (isAwaited(run) || performance.now() - startedAt >= SHORT_MS) await run.context.confirmHeld();
    return result;
  } catch (error) {
    if (outcomeOf(error, run.context.signal, run.job.isLastAttempt) === 'error') await run.context.confirmHeld();
    throw error;
  }
};

const isAwaited = ({ job }: Run): boolean => job.data.taskiq !== undefined;
