import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { z } from 'zod';
import type { DefinedTask } from '../lib/defined-task.ts';
import { PermanentError } from '../lib/errors.ts';
import { pathOf, siftFields, type UnknownField, unknownInWords } from '../lib/unknown-fields.ts';
import type { Tracing } from '../observability/tracing.ts';
import type { AnyTask, EnqueueOptions, QueueName } from './define-task.ts';
import { dryRunOf } from './dry-run.ts';
import type { JobData, JobSource } from './job-data.ts';
import { asObject, assertModest, parseModest } from './payload.ts';
import { LISTED_PROBLEMS, PayloadError } from './payload-error.ts';
import type { Queues } from './queues.ts';
import type { ListedTask, NamedTask, TaskList } from './registry.ts';
import { uniqueKeyOf } from './unique-key.ts';

/** Thrown when the operator has switched this task off. */
export class TaskDisabledError extends PermanentError {
  override name = 'TaskDisabledError';

  constructor(task: string) {
    super('task_disabled', `${task} is switched off by DISABLED_TASKS; remove it there and restart to use it.`);
  }
}

export type DispatchOptions = EnqueueOptions & {
  source: JobSource;
  initiatedBy: string;
  correlationId?: string;
  /** One job at a time of this task with this payload, instead of a `uniqueKey`. */
  unique?: boolean;
  /** 1 is most urgent; overrides the task's. */
  priority?: number;
  /** A queue other than the task's own. */
  queue?: QueueName;
  timeLimitMs?: number;
  delaysMs?: readonly number[];
  taskiq?: JobData['taskiq'];
  /** `traceparent` of the caller; an invalid one has no effect. */
  traceparent?: string;
  /** The slot of the schedule that asks. */
  slot?: Date | undefined;
  /** When the producer asked for the job, if that was earlier than now: the job may have waited in a stream. */
  createdAt?: Date;
};

/** The job of one slot. */
type SlotOptions = Pick<DispatchOptions, 'keepFailed' | 'uniqueKey'> & { slot: Date; jobId: string };

export type DispatcherOptions = {
  /** A job's age is told and decided by the clock of those who run it, so its begin is of the same one. */
  clock(): Date;
  registry: Pick<TaskList, 'load'>;
  queues: Queues;
  disabledTasks: ReadonlySet<string>;
  tracing?: Pick<Tracing, 'adding'> | undefined;
};

/** A checked payload, and what the door left out of it. */
export type Accepted = {
  /** The task that runs: the one that was named, or its dry run. */
  readonly task: AnyTask;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Paths of the fields that the task does not have. Their values are kept nowhere. */
  readonly ignored: readonly string[];
};

type Dispatched = {
  jobId: string;
  task: AnyTask;
  /** A unique job that waits or runs was found instead, and no other was added. */
  already: boolean;
  ignored: Accepted['ignored'];
};

/** Doors whose callers are told of a field that the task does not have. Other producers may be older or newer than this code. */
const STRICT: ReadonlySet<JobSource> = new Set(['http', 'cli']);

/** The one way into the queues. Every job is validated here, at the edge, and again when it runs. */
export class Dispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Adds a job of a task. Throws `TaskDisabledError` or `PayloadError`; otherwise the job is in Redis when this resolves. */
  async dispatch<P extends z.ZodObject>(
    task: DefinedTask<P>,
    payload: z.input<P>,
    options: DispatchOptions,
  ): Promise<Dispatched> {
    return await this.dispatchNamed(task.name, payload, options);
  }

  /**
   * Adds a job of the task with this name. Only doors call it: their names come from outside, where no compiler checks them. Throws
   * `UnknownTaskError`, `TaskDisabledError` or `PayloadError`; otherwise the job is in Redis when this resolves.
   */
  async dispatchNamed(name: string, payload: unknown, options: DispatchOptions): Promise<Dispatched> {
    const named = await this.#options.registry.load(name);
    const { ignored, payload: accepted, task } = this.accept(named, payload, options.source);
    const uniqueKey = options.unique ? { uniqueKey: uniqueKeyOf(task, accepted) } : {};
    const id = options.jobId ?? randomUUID();
    const jobId = await this.#add(task, accepted, { ...options, ...uniqueKey, jobId: id });
    return { jobId, task, already: jobId !== id, ignored };
  }

  /**
   * Adds the job of a slot of the task's schedule, without the task's code: an empty payload is valid where there is a schedule, which the
   * registry sees to. Returns the job that is there. Throws `TaskDisabledError`; otherwise the job is in Redis when this resolves.
   */
  async dispatchSlot({ preset, task }: NamedTask<ListedTask>, options: SlotOptions): Promise<{ jobId: string }> {
    this.#assertOn(task);
    const by = { source: 'schedule', initiatedBy: 'schedule' } as const;
    return { jobId: await this.#add(task, preset, { ...by, ...options }) };
  }

  /**
   * Checks a payload, resolves aliases and sets presets. A field that the task does not have is refused at HTTP and on the command line,
   * and left out at other doors. With `dry_run` it is the task's dry run that is asked for. Throws `TaskDisabledError` or `PayloadError`.
   */
  accept({ task, preset }: NamedTask, payload: unknown, source: JobSource): Accepted {
    this.#assertOn(task);
    const given = renamed(payload ?? {}, task);
    if (STRICT.has(source)) assertAgrees(task, given, preset);
    if (!task.mass) assertNoDryRun(task, given);
    const { unknown, value } = siftFields(task.payload, { ...given, ...preset });
    const known = value as Record<string, unknown>;
    if (unknown.length > 0 && STRICT.has(source)) throw unknownFields(task, known, unknown);
    const { dry_run: isDry } = parseModest(task, known);
    const ignored = unknown.map(pathOf);
    if (!task.mass || isDry !== true) return { task, payload: known, ignored };
    const { dry_run: _, ...rest } = known;
    return { task: dryRunOf({ ...task, mass: task.mass }), payload: rest, ignored };
  }

  #assertOn(task: ListedTask): void {
    if (this.#options.disabledTasks.has(task.name)) throw new TaskDisabledError(task.name);
  }

  async #add(
    task: ListedTask,
    payload: Readonly<Record<string, unknown>>,
    options: DispatchOptions & { jobId: string },
  ): Promise<string> {
    const { jobId } = options;
    const delaysMs = options.delaysMs ?? task.retry.delaysMs;
    const data: JobData = {
      payload,
      correlationId: options.correlationId ?? jobId,
      initiatedBy: options.initiatedBy,
      source: options.source,
      ...(options.slot === undefined ? {} : { slotMs: options.slot.getTime() }),
      ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
      ...(options.delaysMs === undefined ? {} : { delaysMs }),
      ...(options.taskiq === undefined ? {} : { taskiq: options.taskiq }),
    };
    const priority = options.priority ?? task.priority;
    const jobOptions: JobsOptions = {
      jobId,
      attempts: delaysMs.length + 1,
      backoff: { type: 'policy' },
      // The runner decides how long other failed jobs are kept.
      ...(options.keepFailed === false && { removeOnFail: true }),
      ...(priority === undefined ? {} : { priority }),
      timestamp: (options.createdAt ?? this.#options.clock()).getTime(),
      ...(options.delayMs === undefined ? {} : { delay: options.delayMs }),
      ...(options.uniqueKey === undefined
        ? {}
        : { deduplication: { id: options.uniqueKey, keepLastIfActive: options.afterActive ?? false } }),
    };
    const queue = options.queue ?? task.queue;
    const { queues, tracing } = this.#options;
    await queues.ready();
    const add = async (traced: JobData): Promise<string> =>
      (await queues.get(queue).add(task.name, traced, jobOptions)).id!;
    if (!tracing) return await add(data);
    const { correlationId, source } = data;
    const job = { task: task.name, queue, source, correlationId, jobId };
    return await tracing.adding({ ...job, traceparent: options.traceparent }, (traceparent) =>
      add({ ...data, traceparent }),
    );
  }
}

/** A name of a task may fix some of its fields: another value beside it would be ignored. */
function assertAgrees(task: AnyTask, given: Record<string, unknown>, preset: NamedTask['preset']): void {
  for (const [field, value] of Object.entries(preset)) {
    if (!Object.hasOwn(given, field) || given[field] === value) continue;
    const message = `is always ${JSON.stringify(value)} under this name of the task; leave it out, or ask for ${task.name}`;
    throw new PayloadError(task.name, [{ path: field, message }]);
  }
}

/** Where unknown fields are left out, leaving this one out would do what was only to be listed. */
function assertNoDryRun(task: AnyTask, { dry_run: wish }: Record<string, unknown>): void {
  if (wish === undefined || wish === false || wish === null) return;
  const message = 'is for tasks that act on many; this one has no dry run, so it is not run at all';
  throw new PayloadError(task.name, [{ path: 'dry_run', message }]);
}

/** The caller learns of the unknown fields and of all that is wrong with the known ones. */
function unknownFields(task: AnyTask, known: Record<string, unknown>, unknown: readonly UnknownField[]): PayloadError {
  // The words are looked for only where they are listed: there may be thousands of fields.
  const issues = unknown.map((field, i) => ({
    path: pathOf(field),
    message: i < LISTED_PROBLEMS ? unknownInWords(field) : '',
  }));
  try {
    parseModest(task, known);
  } catch (error) {
    if (error instanceof PayloadError) return new PayloadError(task.name, [...issues, ...error.issues], error.isWhole);
    throw error;
  }
  return new PayloadError(task.name, issues);
}

/** Throws `PayloadError` where a field was given under two of its names: one of them would be ignored. */
function renamed(payload: unknown, task: AnyTask): Record<string, unknown> {
  const fields = asObject(task, payload);
  assertModest(task, fields);
  const names = new Map(Object.entries(task.fieldAliases ?? {}));
  for (const [theirs, ours] of names)
    if (Object.hasOwn(fields, theirs) && Object.hasOwn(fields, ours))
      throw new PayloadError(task.name, [
        { path: theirs, message: `is another name of \`${ours}\`; give one of them` },
      ]);
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [names.get(field) ?? field, value]));
}
