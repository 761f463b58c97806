import type { Middleware, Run } from '../compose.ts';
import { CancelledError, outcomeOf } from '../outcome.ts';

/** An attempt that ended, or that failed and will be repeated. */
export type EndedAttempt = {
  run: Run;
  outcome: 'success' | 'retry' | 'error' | 'cancelled';
  durationMs: number;
  /** Undefined after a success. */
  error: unknown;
};

/** Takes a note and returns at once. Must not throw. */
export type AttemptListener = (attempt: EndedAttempt) => void;

/** Notes every attempt that succeeded or failed. A snooze or a hand-back goes on later and is none. */
export function recordRun(note: AttemptListener): Middleware {
  return async (run, next) => {
    const startedAt = performance.now();
    try {
      const result = await next(run);
      note({ run, outcome: 'success', durationMs: performance.now() - startedAt, error: undefined });
      return result;
    } catch (error) {
      const outcome = endOf(error, run);
      if (outcome) note({ run, outcome, durationMs: performance.now() - startedAt, error });
      throw error;
    }
  };
}

function endOf(error: unknown, { context, job }: Run): 'retry' | 'error' | 'cancelled' | undefined {
  const outcome = outcomeOf(error, context.signal, job.isLastAttempt);
  if (outcome === 'snoozed' || outcome === 'handed_back') return undefined;
  const isCancelled = [error, context.signal.reason].some((reason) => reason instanceof CancelledError);
  return isCancelled ? 'cancelled' : outcome;
}
