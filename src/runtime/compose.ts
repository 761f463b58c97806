import type { AnyTask, QueueName, Result, RunContext } from './define-task.ts';
import type { JobData } from './job-data.ts';

/** One attempt on its way through the onion. */
export type Run = {
  readonly task: AnyTask;
  readonly payload: unknown;
  readonly context: RunContext;
  readonly job: JobFacts;
};

/** Facts about the job that the engine needs and a task does not. */
export type JobFacts = {
  readonly data: JobData;
  /** The queue that it came through: a producer may ask for another than the task's. */
  readonly queue: QueueName;
  /** How often a worker died or stalled while it held this job. */
  readonly stalls: number;
  /** No retry is left after this attempt. */
  readonly isLastAttempt: boolean;
  /** Somebody cancelled the job while it waited to continue: this run is its last. */
  readonly isCancelled: boolean;
  /** A queue holds the job and can put it off. False for a run by hand, which somebody waits for. */
  readonly isQueued: boolean;
  /** Milliseconds from the moment the job could have started to the moment it did. */
  readonly waitedMs: number;
};

export type Next = (run: Run) => Promise<Result>;
export type Middleware = (run: Run, next: Next) => Promise<Result>;

/** The first middleware is the outermost: it sees the run first and its outcome last. */
export function compose(middleware: readonly Middleware[], handler: Next): Next {
  return middleware.reduceRight<Next>((next, layer) => (run) => layer(run, next), handler);
}

/** The innermost layer: runs the task with the services that it `needs`, and no others. */
export function withNeeds(services: object): Next {
  const known = new WeakMap<AnyTask, object>();
  return async (run) => {
    const needed = known.get(run.task) ?? needsOf(run.task, services);
    known.set(run.task, needed);
    return await run.task.run(run.payload, { ...run.context, ...needed });
  };
}

/** Spread into each context instead of all services, which are many: copying those costs a short task as much as a log line. */
export function needsOf({ needs }: AnyTask, services: object): object {
  const all: Readonly<Record<string, unknown>> = { ...services };
  return Object.fromEntries(needs.map((name) => [name, all[name]]));
}
