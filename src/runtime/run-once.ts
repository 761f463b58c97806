import { randomUUID } from 'node:crypto';
import type { Log } from '../observability/log.ts';
import { compose, type Middleware, withNeeds } from './compose.ts';
import type { Result, RunContext } from './define-task.ts';
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
  now: Date;
  enqueuedAt?: Date;
  scheduledFor?: Date;
  jobId?: string;
  attempt?: number;
  /** Changes what becomes of the work that the run leaves undone; by default a job is added for it. */
  again?(dispatched: RunContext['again']): RunContext['again'];
  replays?: number;
};

/**
 * Runs a task here and now, through the same onion as a queued job, and returns its result. Nothing is retried: the error of the run is
 * thrown, `UnknownTaskError` and `PayloadError` included.
 */
export async function runOnce(name: string, payload: unknown, options: RunOnceOptions): Promise<Result> {
  const { dispatcher, initiatedBy, log, middleware, now, registry, services, signal } = options;
  const named = registry.get(name);
  const { payload: accepted, task } = dispatcher.accept(named, payload, 'cli');
  const jobId = options.jobId ?? randomUUID();
  const attempt = options.attempt ?? 1;
  const data: JobData = { payload: accepted, correlationId: jobId, initiatedBy, source: 'cli' };
  const handle = compose(middleware, withNeeds(services));
  const { again, enqueue } = followUps(dispatcher, task, data);
  return handle({
    task,
    payload: accepted,
    job: {
      data,
      queue: task.queue,
      stalls: 0,
      isLastAttempt: attempt > task.retry.delaysMs.length,
      isCancelled: false,
      isQueued: false,
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
      // It has no job that another run could take.
      confirmHeld: async () => undefined,
      alive: () => undefined,
      correlationId: jobId,
      initiatedBy,
      log: log.child({ task: task.name, job_id: jobId, correlation_id: jobId, attempt }),
      enqueue,
      again: options.again?.(again) ?? again,
    },
  });
}
