import { errorCode } from '../../lib/errors.ts';
import type { ErrorReports } from '../../observability/error-reports.ts';
import type { Tracing } from '../../observability/tracing.ts';
import type { Middleware } from '../compose.ts';
import { outcomeOf } from '../outcome.ts';

/** Reports jobs that have failed permanently. A cancelled job has not failed. */
export function reportErrors(
  reports: Pick<ErrorReports, 'report'>,
  tracing: Pick<Tracing, 'ids'> | undefined,
): Middleware {
  return async (run, next) => {
    try {
      return await next(run);
    } catch (error) {
      const { context, job, task } = run;
      const code = errorCode(error);
      if (outcomeOf(error, context.signal, job.isLastAttempt) === 'error' && code !== 'cancelled') {
        const ids = { job_id: context.jobId, correlation_id: context.correlationId, attempt: context.attempt };
        reports.report({ error, group: [task.name, code], level: 'error', ids: { ...ids, ...tracing?.ids() } });
      }
      throw error;
    }
  };
}
