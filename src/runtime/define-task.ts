import type * as z from 'zod';
import type { Settings } from '../config.ts';
import type { DefinedTask } from '../lib/defined-task.ts';
import type { HeldJob } from '../lib/held-job.ts';
import type { Locale } from '../lib/locale.ts';
import type { PlannedLine } from '../lib/planned-line.ts';
import type { Log } from '../observability/log.ts';
import type { Services } from '../services.ts';

/** A cron pattern of five or six fields in UTC, or a fixed interval in milliseconds. */
export type Schedule = { readonly cron: string } | { readonly everyMs: number };

/** An interval in seconds that the operator sets. */
export type SettingSchedule = { readonly everySetting: 'HEALTH_CHECK_INTERVAL_SECONDS' & keyof Settings };

/** Another name that producers use for the task, with a preset where the name itself implies part of the payload. */
export type Alias = string | { readonly name: string; readonly payload: Readonly<Record<string, unknown>> };

/** The action after the last failed retry, besides the dead letter. */
export type Exhausted =
  /** One alert to the admins. */
  | 'alert'
  /** One CRITICAL alert to the admins. */
  | 'alert-critical'
  /** A warning in the log. */
  | 'log'
  /** Nothing: the next scheduled run does the work. A failed scheduled run then leaves no dead letter. */
  | 'next-run';

/** A finished run's result: a small JSON object. */
export type Result = Readonly<Record<string, unknown>>;

export type EnqueueOptions = {
  delayMs?: number;
  /** A second job with the same id is not added while the first is kept. */
  jobId?: string;
  /** While a job with this key waits or runs, another is not added. */
  uniqueKey?: string;
  /** With `uniqueKey`: a job that is added while the first runs is kept, and starts right after it. */
  afterActive?: boolean;
  /** False for runs whose work the next run does in any case: they leave no dead letter. */
  keepFailed?: boolean;
};

/** Options of a task that enqueues itself, where it does not simply continue with the remaining work. */
export type AgainOptions<P extends z.ZodObject = z.ZodObject> = Pick<EnqueueOptions, 'delayMs' | 'keepFailed'> & {
  /** Fields that differ from the payload of this run. */
  payload?: Partial<z.input<P>>;
  /** Jobs of this task with the same slot are one job, and the current run is not that job. */
  slot?: string | number;
};

/** Every run gets these, besides the services it `needs`. */
export type RunContext<P extends z.ZodObject = z.ZodObject> = HeldJob & {
  /** The task that runs. */
  readonly task: DefinedTask;
  /** 1 on the first attempt. A snooze or a hand-back at shutdown is no attempt. */
  readonly attempt: number;
  /** How often the job was replayed as a dead letter. */
  readonly replays: number;
  /** When this run began, by the clock that all workers share. Fixed for the run. */
  readonly now: Date;
  /** When the job was added. The same on every attempt and after every snooze. */
  readonly enqueuedAt: Date;
  /** The moment that the run is for: its slot where a schedule asked for it, however late it runs; else `enqueuedAt`. */
  readonly scheduledFor: Date;
  /** Fires on the time limit, on cancellation and at shutdown. Every wait and every outside call takes it. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Follows the work through logs, jobs and messages. */
  readonly correlationId: string;
  /** The initiator of this job: the name of an API token, `taskiq`, `schedule`, `cli` or a task. */
  readonly initiatedBy: string;
  /** Adds a job of another task, in this run's name and under its correlation id. Throws `TaskDisabledError` or `PayloadError`. */
  enqueue<Other extends z.ZodObject>(
    task: DefinedTask<Other>,
    payload: z.input<Other>,
    options?: EnqueueOptions,
  ): Promise<{ jobId: string }>;
  /**
   * Adds a job of this task with this run's payload, for the work that this run leaves undone. The job starts right after this run. It is
   * one job, however often it is asked for, and also if a schedule asks for it. With a `slot` it is a separate job that does not wait for
   * this run.
   */
  again(options?: AgainOptions<P>): Promise<{ jobId: string }>;
};

export type Task<
  P extends z.ZodObject = z.ZodObject,
  Count extends string = string,
  Need extends keyof Services = keyof Services,
> = {
  /** The wire name: the file's name in snake_case. The registry refuses to start when they differ. */
  readonly name: string;
  /** One sentence in each language. The console has the reader's; the catalogue, the API and the command line have the English one. */
  readonly summary: Readonly<Record<Locale, string>>;
  /** Former names, and names that Python producers use. */
  readonly aliases?: readonly Alias[];
  /** Validated once, in the runner and at every door. Where the task has a schedule, `{}` must be valid. */
  readonly payload: P;
  /** Other names for payload fields that older producers send, as `{ theirs: ours }`. */
  readonly fieldAliases?: Readonly<Record<string, string>>;
  /** Order of positional arguments in a TaskIQ message. */
  readonly args?: readonly string[];
  /**
   * Absent: the task runs only when something dispatches it. A scheduled task is unique: one run waits or is active, never two, unless
   * it says `madeUpDays`.
   */
  readonly schedule?: Schedule | SettingSchedule;
  /**
   * Each slot of the schedule is a job of its own, also while an earlier one still runs. Slots that came due while no worker was up are
   * made up for: the last one of each day, of so many days. Absent: of several slots the latest alone runs, and one run at a time.
   */
  readonly madeUpDays?: number;
  readonly retry: RetryPolicy<P, Need>;
  /** Wall-clock limit of one attempt in milliseconds (default 5 minutes); `none` for bulk work, which reports progress instead. */
  readonly timeLimitMs?: number | 'none';
  /** 1 is most urgent. Jobs without a priority run in order of arrival, before all that have one. */
  readonly priority?: number;
  /** May run for hours. Its whole queue gets a quarter of the slots of a process, so that it cannot hold up the other queues. */
  readonly longRunning?: boolean;
  /**
   * How many subjects a run with this payload destroys or writes to, where people ask for it and one yes may not be enough; see
   * APPROVAL_ABOVE. Undefined: one yes is enough for this payload.
   */
  readonly guarded?: (payload: z.output<P>) => number | 'all' | undefined;
  /** Operators see its unfinished jobs with their progress; see `Jobs.watched`. */
  readonly watched?: boolean;
  /** The numbers in the result with their help text: logged, and counted in `cybervpn_task_items_total{task_name,item}`. */
  readonly counts: Readonly<Record<Count, string>>;
  readonly needs: readonly Need[];
  run(
    payload: z.output<P>,
    context: RunContext<P> & Pick<Services, Need>,
  ): Promise<Readonly<Record<NoInfer<Count>, number>> & Result>;
};

export type RetryPolicy<P extends z.ZodObject = z.ZodObject, Need extends keyof Services = keyof Services> = {
  /** Delay before each retry in milliseconds; the length is the number of retries. Each delay gets up to 10 % of jitter. */
  readonly delaysMs: readonly number[];
  readonly exhausted: Exhausted;
  /** Runs once after the last failure, before the job becomes a dead letter: the place to save the work for later. */
  readonly onExhausted?: (
    payload: z.output<P>,
    context: RunContext<P> & Pick<Services, Need>,
    error: Error,
  ) => Promise<void>;
};

/** Some steps of a plan, and what was counted on the way to them. A group is all that is held in memory. */
export type PlannedGroup<Step = unknown, Count extends string = string> = {
  readonly steps: readonly Step[];
  readonly counts?: Readonly<Partial<Record<Count, number>>>;
};

/** What one step does, in the reader's language. */
export type Effect = Readonly<Record<Locale, string>> & {
  /** The run leaves such a subject as it is: it is listed, and not counted among those that are touched. */
  readonly isLeft?: true;
};

/** The plan of one run. Each iteration reads the world anew. */
export type Planned<Group extends PlannedGroup> = {
  groups(): AsyncIterable<Group>;
  /** The lines of all steps, group by group. */
  lines(): AsyncIterable<readonly PlannedLine[]>;
  /** The line of a step in a list. */
  lineOf(step: Group['steps'][number]): PlannedLine | Promise<PlannedLine>;
};

/** What the engine needs of a mass task for its dry run. */
export type MassPlan = {
  readonly effects: Readonly<Record<string, Effect>>;
  plan(payload: unknown, context: RunContext): Planned<PlannedGroup>;
};

/** The type of tasks in the registry and the runner, which cannot know their payload types. Only the runner calls `run`, after parsing. */
// biome-ignore-start lint/suspicious/noExplicitAny: parameter bivariance, see above
export type AnyTask = Omit<Task<any, any, any>, 'run'> &
  DefinedTask<any> & {
    readonly queue: QueueName;
    /** Present where the task acts on many: see `defineMassTask`. */
    readonly mass?: MassPlan;
    run(payload: any, context: any): Promise<Result>;
  };
// biome-ignore-end lint/suspicious/noExplicitAny: parameter bivariance, see above

/** One queue per capability folder, so that a slow capability cannot delay another. */
export const QUEUES = [
  'notifications',
  'subscriptions',
  'monitoring',
  'payments',
  'analytics',
  'cleanup',
  'sync',
  'reports',
  'bulk',
  'email',
] as const;
export type QueueName = (typeof QUEUES)[number];

/**
 * Returns its argument. At compile time it ties `run` to `payload`, `counts` and `needs`, and makes the only kind of object that can be
 * enqueued.
 */
export function defineTask<P extends z.ZodObject, C extends string, N extends keyof Services>(
  task: Task<P, C, N>,
): Task<P, C, N> & DefinedTask<P> {
  return task as Task<P, C, N> & DefinedTask<P>;
}
