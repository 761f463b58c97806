import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { days, seconds } from '../lib/duration.ts';
import { errorMessage, type SnoozeError } from '../lib/errors.ts';
import type { RedisClient } from '../lib/redis-client.ts';
import type { Log } from '../observability/log.ts';
import { compose, type JobFacts, type Middleware, type Next, withNeeds } from './compose.ts';
import { type AnyTask, QUEUES, type QueueName, type Result, type RunContext } from './define-task.ts';
import type { Dispatcher } from './dispatcher.ts';
import { followUps } from './follow-ups.ts';
import type { JobData } from './job-data.ts';
import { CancelledError, LostLockError, outcomeOf, ShutdownError } from './outcome.ts';
import { QUEUE_PREFIX, redisName } from './queues.ts';
import type { TaskRegistry } from './registry.ts';
import { jittered } from './retry.ts';
import { Slots } from './slots.ts';

/** A killed worker's jobs run again after at most lock + 2 × check = 20 s; the lock is renewed every 5 s while the process lives. */
const LOCK_MS = seconds(10);
const STALLED_CHECK_MS = seconds(5);
/** Stalls never fail a job here: the poison guard decides, and it keeps a dead letter. */
const UNLIMITED_STALLS = 1_000_000;

/** Finished jobs beyond these are removed oldest first, so Redis stays bounded whatever the load. */
const KEPT_RESULTS = 5_000;
const KEPT_DEAD_LETTERS = 10_000;
const DEAD_LETTERS_KEPT_MS = days(30);

/** Queues whose jobs may run for hours get a quarter of the slots, so that they can not hold up the others. */
const LONG_RUNNING: ReadonlySet<QueueName> = new Set(['bulk', 'reports', 'cleanup']);

export type RunnerOptions = {
  registry: TaskRegistry;
  dispatcher: Dispatcher;
  services: object;
  middleware: readonly Middleware[];
  /** A blocking connection is made from it for each queue. */
  connection: RedisClient;
  /** Jobs at once in this process, over all queues. */
  concurrency: number;
  /** How long results are kept. */
  resultTtlSeconds: number;
  log: Log;
  clock: () => Date;
  /** Whether a job that has begun was cancelled while it waited to go on. Asked before each later run. */
  wasCancelled?(jobId: string): Promise<boolean>;
};

/** Takes jobs of all queues and runs them through the onion. The only file that turns our outcomes into BullMQ's. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #workers: readonly Worker<JobData, Result>[];
  readonly #handle: Next;
  readonly #slots: Slots;
  readonly #shutdown = new AbortController();
  /** Running jobs by id: what cancellation, lost locks and shutdown reach. */
  readonly #running = new Map<string, AbortController>();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
    this.#handle = compose(options.middleware, withNeeds(options.services));
    this.#workers = QUEUES.map((queue) => this.#consume(queue));
  }

  /** Resolves once every queue is being read. */
  async ready(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  get active(): number {
    return this.#running.size;
  }

  /** Ends a job's run here, if it runs here. */
  cancel(jobId: string, reason: Error): void {
    this.#running.get(jobId)?.abort(reason);
  }

  /** Takes no new job, lets running ones finish for `graceMs`, then hands the rest back to their queues. */
  async stop(graceMs: number): Promise<void> {
    const drained = Promise.all(this.#workers.map((worker) => worker.close()));
    const timer = setTimeout(() => {
      const reason = new ShutdownError();
      this.#shutdown.abort(reason);
      for (const run of this.#running.values()) run.abort(reason);
    }, graceMs);
    // A handler that does not listen to its signal is left behind: its lock runs out and another worker takes the job.
    const left = new Promise<void>((resolve) => setTimeout(resolve, graceMs + seconds(2)).unref());
    await Promise.race([drained, left]);
    clearTimeout(timer);
  }

  #consume(queue: QueueName): Worker<JobData, Result> {
    const { connection, concurrency, log, resultTtlSeconds } = this.#options;
    const worker = new Worker<JobData, Result>(redisName(queue), (job, token) => this.#process(queue, job, token), {
      connection,
      prefix: QUEUE_PREFIX,
      concurrency: LONG_RUNNING.has(queue) ? Math.max(1, Math.floor(concurrency / 4)) : concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: UNLIMITED_STALLS,
      runRetryDelay: seconds(1),
      // Said here and not in each job, which is then smaller and quicker to read.
      removeOnComplete: { age: resultTtlSeconds, count: KEPT_RESULTS },
      removeOnFail: { age: DEAD_LETTERS_KEPT_MS / 1000, count: KEPT_DEAD_LETTERS },
      settings: {
        backoffStrategy: (attempt, _type, _error, job) => this.#delayBeforeRetry(attempt, job as Job<JobData>),
      },
    });
    worker.on('error', (error) => log.warn({ queue, err: error }, 'queue connection failed, will reconnect'));
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.cancel(id, new LostLockError(id));
    });
    return worker;
  }

  #delayBeforeRetry(attempt: number, job: Job<JobData>): number {
    const delaysMs = job.data.delaysMs ?? this.#options.registry.find(job.name)?.task.retry.delaysMs ?? [];
    return jittered(delaysMs[attempt - 1] ?? delaysMs.at(-1) ?? 0);
  }

  async #process(queue: QueueName, job: Job<JobData>, token: string | undefined): Promise<Result> {
    const named = this.#options.registry.find(job.name);
    if (!named)
      throw new UnrecoverableError(`No task named '${job.name}' in this version; replay the job where it exists`);
    const controller = new AbortController();
    if (this.#shutdown.signal.aborted) controller.abort(this.#shutdown.signal.reason);
    this.#running.set(job.id!, controller);
    const release = await this.#slots.take();
    const facts = factsOf(queue, job);
    try {
      controller.signal.throwIfAborted();
      // A handler that sees its signal fired from the start ends its work in good order.
      const isCancelled = job.attemptsStarted > 1 && (await this.#options.wasCancelled?.(job.id!)) === true;
      if (isCancelled) controller.abort(new CancelledError(job.id!));
      return await this.#handle({
        task: named.task,
        payload: job.data.payload,
        context: this.#context(job, named.task, controller.signal),
        job: { ...facts, isCancelled },
      });
    } catch (error) {
      const outcome = outcomeOf(error, controller.signal, facts.isLastAttempt);
      // Told to end after its last look at the signal: it goes on at once, and finds the word that was left for it.
      const isCancelled = controller.signal.reason instanceof CancelledError;
      if (outcome === 'snoozed' && (error as SnoozeError).delayMs > 0 && !isCancelled) {
        await job.moveToDelayed(Date.now() + (error as SnoozeError).delayMs, token);
        throw new DelayedError();
      }
      if (outcome === 'handed_back' || outcome === 'snoozed') {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      // The word is taken with the job it ended: replayed later, the job must not be ended again.
      if (isCancelled) await this.#options.wasCancelled?.(job.id!);
      if (outcome === 'error') throw Object.assign(new UnrecoverableError(errorMessage(error)), { cause: error });
      throw error;
    } finally {
      release();
      this.#running.delete(job.id!);
    }
  }

  #context(job: Job<JobData>, task: AnyTask, signal: AbortSignal): RunContext {
    const { dispatcher, log, clock } = this.#options;
    const { correlationId, initiatedBy } = job.data;
    const jobId = job.id!;
    return {
      task,
      jobId,
      attempt: job.attemptsMade + 1,
      now: clock(),
      enqueuedAt: new Date(job.timestamp),
      signal,
      correlationId,
      initiatedBy,
      log: log.child({ task: task.name, job_id: jobId, correlation_id: correlationId, attempt: job.attemptsMade + 1 }),
      ...followUps(dispatcher, task, job.data),
    };
  }
}

function factsOf(queue: QueueName, job: Job<JobData>): Omit<JobFacts, 'isCancelled'> {
  const dueAt = job.timestamp + (job.attemptsMade === 0 ? job.delay : 0);
  return {
    data: job.data,
    queue,
    stalls: job.stalledCounter,
    isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
    waitedMs: job.attemptsMade === 0 ? (job.processedOn ?? Date.now()) - dueAt : 0,
  };
}
