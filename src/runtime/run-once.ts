import { randomUUID } from 'node:crypto';
import type { Log } from '../observability/log.ts';
import { compose, type Middleware, withNeeds } from './compose.ts';
import type { Result } from './define-task.ts';
import type { Dispatcher } from './dispatcher.ts';
import { followUps } from './follow-ups.ts';
import type { JobData } from './job-data.ts';
import type { TaskRegistry } from './registry.ts';

export type RunOnceOptions = {
  registry: TaskRegistry;
  dispatcher: Dispatcher;
  services: object;
  middleware: readonly Middleware[];
  log: Log;
  signal: AbortSignal;
  initiatedBy: string;
  /** Clock, job id and attempt of the run. The job id of an earlier run makes this one a retry of the same job. */
  now?: Date;
  enqueuedAt?: Date;
  scheduledFor?: Date;
  jobId?: string;
  attempt?: number;
  replays?: number;
};

/**
 * Runs a task here and now, through the same onion as a queued job, and returns its result. Nothing is retried: the error of the run is
 * thrown, `UnknownTaskError` and `PayloadError` included.
 */
export async function runOnce(name: string, payload: unknown, options: RunOnceOptions): Promise<Result> {
  const { dispatcher, initiatedBy, log, middleware, registry, services, signal } = options;
  const named = registry.get(name);
  const { task } = named;
  const accepted = dispatcher.accept(named, payload);
  const jobId = options.jobId ?? randomUUID();
  const attempt = options.attempt ?? 1;
  const now = options.now ?? new Date();
  const data: JobData = { payload: accepted, correlationId: jobId, initiatedBy, source: 'cli' };
  const handle = compose(middleware, withNeeds(services));
  return handle({
    task,
    payload: accepted,
    job: {
      data,
      queue: task.queue,
      stalls: 0,
      isLastAttempt: attempt > task.retry.delaysMs.length,
      isCancelled: false,
      waitedMs: 0,
    },
    context: {
      task,
      jobId,
      attempt,
      replays: options.replays ?? 0,
      now,
      enqueuedAt: options.enqueuedAt ?? now,
      scheduledFor: options.scheduledFor ?? options.enqueuedAt ?? now,
      signal,
      correlationId: jobId,
      initiatedBy,
      log: log.child({ task: task.name, job_id: jobId, correlation_id: jobId, attempt }),
      ...followUps(dispatcher, task, data),
    },
  });
}
