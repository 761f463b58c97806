import { errorCode, errorMessage } from '../../lib/errors.ts';
import type { JobFacts, Middleware } from '../compose.ts';
import type { Result } from '../define-task.ts';
import { outcomeOf } from '../outcome.ts';

/** How a job ended for good. */
export type Ended = { job: JobFacts; jobId: string; task: string; seconds: number } & (
  | { ok: true; result: Result }
  | { ok: false; code: string; error: string }
);

/** Told once a job has ended, before the queue is: a crash in between runs the attempt again and tells again. Must not throw. */
export type OutcomeListener = (ended: Ended) => Promise<void>;

/** Tells who waits for a job's result. Snoozes, retries and hand-backs are no end. */
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
        await listener({ ...ended(), ok: false, code: errorCode(error), error: errorMessage(error) });
      }
      throw error;
    }
  };
}
