import type { z } from 'zod';
import type { JobView } from '../../../runtime/jobs.ts';
import { withoutSecrets } from '../auth/secrets.ts';
import type { JobBody } from './schemas.ts';

/** A job in the form of the API. */
export function jobBody(job: JobView): z.output<typeof JobBody> {
  return {
    id: job.id,
    task: job.task,
    queue: job.queue,
    state: job.state,
    attempts: job.attempts,
    max_attempts: job.maxAttempts,
    initiated_by: job.initiatedBy,
    source: job.source,
    correlation_id: job.correlationId,
    created_at: job.createdAt.toISOString(),
    ...(job.dueAt && { due_at: job.dueAt.toISOString() }),
    ...(job.startedAt && { started_at: job.startedAt.toISOString() }),
    ...(job.finishedAt && { finished_at: job.finishedAt.toISOString() }),
    ...(job.result !== undefined && { result: withoutSecrets(job.result) }),
    ...(job.error !== undefined && { error: job.error }),
  };
}
