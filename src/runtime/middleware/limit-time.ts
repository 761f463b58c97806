import { untilDeadline } from '../../lib/deadline.ts';
import { minutes } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import type { Middleware, Run } from '../compose.ts';

const DEFAULT_LIMIT_MS = minutes(5);

/** The time limit of this run in milliseconds: its job's, else its task's. */
export function timeLimitOf({ job, task }: Pick<Run, 'job' | 'task'>): number | 'none' {
  return job.data.timeLimitMs ?? task.timeLimitMs ?? DEFAULT_LIMIT_MS;
}

/**
 * Ends a run at its time limit. The signal fires, so every outside call that takes it ends, and the attempt counts as failed even where the
 * handler ignores the signal.
 */
export const limitTime: Middleware = async (run, next) => {
  const limitMs = timeLimitOf(run);
  if (limitMs === 'none') return next(run);
  return await untilDeadline(
    limitMs,
    run.context.signal,
    (signal) => next({ ...run, context: { ...run.context, signal } }),
    () => new TransientError('time_limit', `${run.task.name}: stopped at its time limit of ${limitMs} ms`),
  );
};
