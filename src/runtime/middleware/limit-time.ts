import { minutes } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import type { Middleware, Run } from '../compose.ts';

const DEFAULT_LIMIT_MS = minutes(5);

/** How long this run may take, in milliseconds: as its job says, else its task. */
export function timeLimitOf({ job, task }: Pick<Run, 'job' | 'task'>): number | 'none' {
  return job.data.timeLimitMs ?? task.timeLimitMs ?? DEFAULT_LIMIT_MS;
}

/**
 * Ends a run at its time limit: the signal fires, so every outside call that takes it ends, and the attempt counts as failed even
 * where the handler does not listen.
 */
export const limitTime: Middleware = async (run, next) => {
  const limitMs = timeLimitOf(run);
  if (limitMs === 'none') return next(run);
  const limit = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new TransientError('time_limit', `${run.task.name}: stopped at its time limit of ${limitMs} ms`);
    // First the outcome, then the signal: what an aborted call throws must not hide why it was aborted.
    late.reject(error);
    limit.abort(error);
  }, limitMs);
  // By hand, because AbortSignal.any costs five times as much: most of what this middleware costs a short task.
  const outer = run.context.signal;
  const passOn = (): void => limit.abort(outer.reason);
  if (outer.aborted) passOn();
  outer.addEventListener('abort', passOn);
  try {
    return await Promise.race([next({ ...run, context: { ...run.context, signal: limit.signal } }), late.promise]);
  } finally {
    outer.removeEventListener('abort', passOn);
    clearTimeout(timer);
  }
};
