import type { Job } from 'bullmq';
import { QUEUES, type QueueName } from './define-task.ts';
import type { JobData, JobSource } from './job-data.ts';
import type { Queues } from './queues.ts';
import type { TaskList } from './registry.ts';

export type JobState = 'waiting' | 'delayed' | 'active' | 'completed' | 'failed';

/** A job as people and programs see it from outside: everything but its payload, which may be confidential. */
export type JobView = {
  id: string;
  task: string;
  queue: QueueName;
  state: JobState;
  /** Attempts that have begun and count. */
  attempts: number;
  maxAttempts: number;
  initiatedBy: string;
  source: JobSource;
  correlationId: string;
  createdAt: Date;
  /** When the job becomes due; only while it is delayed. */
  dueAt?: Date;
  startedAt?: Date;
  finishedAt?: Date;
  result?: unknown;
  /** Why its last attempt failed; absent where the job has completed. */
  error?: string;
  /** The id of its progress record. */
  progressId: string;
};

/** The result of a request to cancel: removed from its queue, told to the process that runs it, or too late. */
export type Cancelled = 'removed' | 'told' | 'ended';

const STATES: Readonly<Record<string, JobState>> = {
  waiting: 'waiting',
  prioritized: 'waiting',
  'waiting-children': 'waiting',
  paused: 'waiting',
  delayed: 'delayed',
  active: 'active',
  completed: 'completed',
  failed: 'failed',
};

/** Sends the cancellation to the process that runs the job. */
export type CancellationSender = {
  /** For a job that runs now. */
  tell(jobId: string): Promise<void>;
  /** For the next run of a job that has begun. */
  leave(jobId: string): Promise<void>;
};

/** The most unfinished jobs of each queue, and the most ended jobs of each queue for each way to end. */
const WATCHED_JOBS = 200;
const WATCHED_ENDS = 10;

/** Finds, watches and cancels single jobs of all queues. */
export class Jobs {
  readonly #registry: TaskList;
  readonly #queues: Queues;
  readonly #cancellations: CancellationSender;

  constructor(registry: TaskList, queues: Queues, cancellations: CancellationSender) {
    this.#registry = registry;
    this.#queues = queues;
    this.#cancellations = cancellations;
  }

  async find(id: string): Promise<JobView | undefined> {
    const found = await this.#locate(id);
    return found && (await this.#describe(found.queue, found.job));
  }

  /** The payload as it was dispatched. */
  async payload(id: string): Promise<unknown> {
    return (await this.#locate(id))?.job.data.payload;
  }

  /**
   * Removes a job that has not begun from its queue. A running job is told. A job that has begun and waits to continue runs at once and is
   * told then, so that its handler can undo or sum up. Both end as failed with the reason `cancelled`. Undefined where there is no such
   * job.
   */
  async cancel(id: string): Promise<Cancelled | undefined> {
    const found = await this.#locate(id);
    if (!found) return undefined;
    const { job } = found;
    const state = STATES[await job.getState()];
    if (state === 'completed' || state === 'failed') return 'ended';
    const hasBegun = job.attemptsStarted > 0;
    if (!hasBegun && state !== 'active' && (await wasRemoved(job))) return 'removed';
    // The word is left before it is told: a run that snoozes in between finds it in its next run, which starts at once.
    await this.#cancellations.leave(id);
    if (hasBegun && state === 'delayed') await job.promote().catch(() => undefined);
    await this.#cancellations.tell(id);
    return 'told';
  }

  /**
   * Unfinished jobs of watched tasks, the newest first. Where all tasks of a queue are watched, its recently ended jobs are included; in
   * another queue, the last to end are other tasks' jobs.
   */
  async watched(): Promise<JobView[]> {
    await this.#queues.ready();
    const lists = await Promise.all(QUEUES.map((queue) => this.#watchedIn(queue)));
    return lists
      .flat()
      .filter((job) => job !== undefined)
      .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  }

  async #watchedIn(queue: QueueName): Promise<(JobView | undefined)[]> {
    const tasks = this.#registry.tasksOf(queue);
    if (!tasks.some((task) => task.watched)) return [];
    const areAll = tasks.every((task) => task.watched);
    const handle = this.#queues.get(queue);
    const jobs = [
      ...(await handle.getJobs(['active', 'delayed', 'waiting', 'prioritized'], 0, WATCHED_JOBS)),
      ...(areAll ? await handle.getJobs(['completed', 'failed'], 0, WATCHED_ENDS - 1) : []),
    ];
    const watched = jobs.filter((job) => job && (areAll || this.#registry.find(job.name)?.task.watched));
    return await Promise.all(watched.map((job) => this.#describe(queue, job)));
  }

  /** Undefined where the job has been removed meanwhile. */
  async #describe(queue: QueueName, job: Job<JobData>): Promise<JobView | undefined> {
    const state = STATES[await job.getState()];
    if (!state) return undefined;
    const isOver = state === 'completed' || state === 'failed';
    if (!isOver || job.finishedOn !== undefined) return view(queue, job, state);
    // The job ended between the two reads, so the first read has no result.
    const ended = await this.#queues.get(queue).getJob(job.id!);
    return ended && view(queue, ended, state);
  }

  async #locate(id: string): Promise<{ queue: QueueName; job: Job<JobData> } | undefined> {
    await this.#queues.ready();
    const found = await Promise.all(
      [...this.#queues.entries()].map(async ([queue, handle]) => {
        // BullMQ keeps its own records beside the jobs, under names such as `meta` and `wait`.
        if (Object.hasOwn(handle.keys, id)) return undefined;
        const job = await handle.getJob(id);
        return job && { queue, job };
      }),
    );
    return found.find((one) => one !== undefined);
  }
}

/** False where a worker has taken the job meanwhile. */
async function wasRemoved(job: Job): Promise<boolean> {
  try {
    await job.remove();
    return true;
  } catch (error) {
    if ((await job.getState()) === 'active') return false;
    throw error;
  }
}

function view(queue: QueueName, job: Job<JobData>, state: JobState): JobView {
  const named = job.data.payload.job_id;
  return {
    id: job.id!,
    task: job.name,
    queue,
    state,
    attempts: job.attemptsMade + (state === 'active' ? 1 : 0),
    maxAttempts: job.opts.attempts ?? 1,
    initiatedBy: job.data.initiatedBy,
    source: job.data.source,
    correlationId: job.data.correlationId,
    createdAt: new Date(job.timestamp),
    progressId: typeof named === 'string' && named !== '' ? named : job.id!,
    ...(state === 'delayed' && { dueAt: new Date(job.timestamp + job.delay) }),
    ...(job.processedOn !== undefined && { startedAt: new Date(job.processedOn) }),
    ...(job.finishedOn !== undefined && { finishedAt: new Date(job.finishedOn) }),
    ...(state === 'completed' && { result: job.returnvalue as unknown }),
    // BullMQ keeps the reason of an earlier attempt also where a later one has succeeded.
    ...(state !== 'completed' && job.failedReason !== undefined && { error: job.failedReason }),
  };
}
