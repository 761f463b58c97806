import { errorCode, errorMessage } from '../../lib/errors.ts';
import type { JobFacts, Middleware } from '../compose.ts';
import type { Result } from '../define-task.ts';
import { outcomeOf } from '../outcome.ts';

/** The final outcome of a job. */
export type Ended = { job: JobFacts; jobId: string; task: string; seconds: number } & (
  | { ok: true; result: Result }
  | { ok: false; code: string; error: string }
);

/**
 * Called once a job has ended, before the queue knows. After a crash in between, the attempt runs again and this is called again. Must not
 * throw.
 */
export type OutcomeListener = (ended: Ended) => Promise<void>;

/** Passes the final outcome of a job to the listener. Snoozes, retries and hand-backs are not final. */
export function reportOutcome(listener: OutcomeListener): Middleware {
  return async (run, next) => {
    const startedAt = performance.now();
    const ended = () => ({
      job: run.job,
      jobId: run.context.jobId,
      task: run.task.name,
      seconds: (performance.now() - startedAt) / 1000,
    });
    try {
      const result = await next(run);
      await listener({ ...ended(), ok: true, result });
      return result;
    } catch (error) {
      if (outcomeOf(error, run.context.signal, run.job.isLastAttempt) === 'error') {
        // The action of an exhausted task may have taken long.
        if (run.job.data.taskiq) await run.context.confirmHeld();
        await listener({ ...ended(), ok: false, code: errorCode(error), error: errorMessage(error) });
      }
      throw error;
    }
  };
}
