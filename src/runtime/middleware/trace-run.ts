import { errorCode } from '../../lib/errors.ts';
import type { RunEnd, Tracing } from '../../observability/tracing.ts';
import type { Middleware, Run } from '../compose.ts';
import { outcomeOf } from '../outcome.ts';

/** One span for every attempt, under the span that added the job. */
export function traceRun(tracing: Pick<Tracing, 'running'>): Middleware {
  return (run, next) =>
    tracing.running(
      factsOf(run),
      () => next(run),
      (error) => endOf(run, error),
    );
}

function factsOf({ context, job, task }: Run): Parameters<Tracing['running']>[0] {
  return {
    task: task.name,
    queue: job.queue,
    source: job.data.source,
    correlationId: context.correlationId,
    jobId: context.jobId,
    attempt: context.attempt,
    waitedMs: job.waitedMs,
    traceparent: job.data.traceparent,
  };
}

function endOf({ context, job }: Run, error: unknown): RunEnd {
  const outcome = outcomeOf(error, context.signal, job.isLastAttempt);
  return { outcome, isFailure: outcome === 'retry' || outcome === 'error', code: errorCode(error) };
}
