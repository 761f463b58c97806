/*
 * The life of a job:
 *
 *  1. A door or another task hands the dispatcher a payload. It is checked there, so that the caller learns of a mistake at once.
 *  2. The job waits in its queue in Redis. A unique one is not added while the last under its key waits or runs.
 *  3. A worker takes it and holds its lock, which it renews every 5 s. Then it waits for one of the process's slots, which all queues
 *     share.
 *  4. The job goes through the onion of middleware, which parses the payload again: the job may be older than the code.
 *  5. The handler returns. The job is over, and its result is kept for `RESULT_TTL_SECONDS`.
 *  6. Or it throws a `SnoozeError`: the job goes back for later and has used no attempt. Steps 3 to 6 may go on for days.
 *  7. Or it throws anything else. The job waits for the next of its delays, lengthened by up to 10 %, and is taken again.
 *  8. After the last delay, or at once on a `PermanentError`, what the task declares as `exhausted` happens within that last attempt. Then
 *     the job is a dead letter for 30 days. An operator corrects the cause and replays it, with all its attempts. Nothing final happens
 *     without a lock that Redis confirms at that moment: a run that was frozen may have lost its job to another.
 *     A job of a task that this version does not have goes back to its queue for an hour, for a version that has it, and then dies alike.
 *  9. Somebody cancels it. The signal of its run fires; a job that waits to go on does so at once and finds its signal fired from the
 *     start. Either way it ends as a dead letter with the reason `cancelled`.
 * 10. The process stops. It takes no new job, gives running ones a grace period, then fires their signals and hands them back to their
 *     queues, with no attempt used.
 * 11. The process is killed. The lock runs out after 10 s, a worker's next check finds the job, and it runs again: within 20 s. A job that
 *     was started 10 times without an outcome is a dead letter with an alert, as it may be what ends the process.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { days, seconds } from '../lib/duration.ts';
import { errorMessage, type SnoozeError } from '../lib/errors.ts';
import type { RedisClient } from '../lib/redis-client.ts';
import { isServerAway } from '../lib/server-away.ts';
import type { Log } from '../observability/log.ts';
import { compose, type Middleware, type Next, withNeeds } from './compose.ts';
import { type AnyTask, QUEUES, type QueueName, type Result, type RunContext } from './define-task.ts';
import type { Dispatcher } from './dispatcher.ts';
import { followUps } from './follow-ups.ts';
import type { JobData } from './job-data.ts';
import { factsOf } from './job-facts.ts';
import { CancelledError, LostLockError, outcomeOf, ShutdownError } from './outcome.ts';
import { PatientWorker } from './patient-worker.ts';
import { QUEUE_PREFIX, redisName } from './queues.ts';
import type { TaskRegistry } from './registry.ts';
import { jittered } from './retry.ts';
import { Slots } from './slots.ts';
import { unknownTask } from './unknown-task.ts';

/**
 * A killed worker's jobs run again after at most lock + 2 × check = 16 s; the lock is renewed every 5 s while the process lives. A job that Redis
 * refused to lock in the middle of handing it out runs again after two checks.
 */
const LOCK_MS = seconds(10);
const STALLED_CHECK_MS = seconds(3);
/** How soon a job is looked at again whose earlier run in this process has lost it and is about to end. */
const ENDING_MS = seconds(1);
/** A run that is told to end at shutdown has this long; meanwhile the process looks which runs have not been told. */
const END_WITHIN_MS = seconds(2);
const LOOK_EVERY_MS = 50;
/** Stalls never fail a job: the poison guard decides, and it keeps a dead letter. */
const UNLIMITED_STALLS = 1_000_000;

/** Finished jobs beyond this number are removed, oldest first, so Redis stays bounded under any load. */
const KEPT_RESULTS = 5_000;
const KEPT_DEAD_LETTERS = 10_000;
const DEAD_LETTERS_KEPT_MS = days(30);

/** The share of the slots that a queue with a long-running task gets. */
const LONG_RUNNING_SHARE = 1 / 4;

export type RunnerOptions = {
  registry: TaskRegistry;
  dispatcher: Dispatcher;
  services: object;
  middleware: readonly Middleware[];
  /** Each queue gets a blocking connection that is made from it. */
  connection: RedisClient;
  /** Jobs at once in this process, over all queues. */
  concurrency: number;
  /** How long results are kept. */
  resultTtlSeconds: number;
  log: Log;
  clock: () => Date;
  /** Whether a job that has begun was cancelled while it waited to continue. Asked before each later run. */
  wasCancelled?(jobId: string): Promise<boolean>;
};

/** Takes jobs of all queues and runs them through the onion. The only file that turns our outcomes into BullMQ's. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #workers: readonly PatientWorker<JobData, Result>[];
  readonly #handle: Next;
  readonly #slots: Slots;
  readonly #shutdown = new AbortController();
  /** Running jobs by id, for cancellation, lost locks and shutdown. */
  readonly #running = new Map<string, AbortController>();
  #stopped: Promise<void> | undefined;

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

  /** The ids of the jobs that run here. */
  get running(): readonly string[] {
    return [...this.#running.keys()];
  }

  /** Ends a job's run here, if it runs here. */
  cancel(jobId: string, reason: Error): void {
    this.#running.get(jobId)?.abort(reason);
  }

  /** Takes no new job, lets running ones finish for `graceMs`, then hands the rest back to their queues. Called again, it waits for the same end. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    await this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    const drained = Promise.all(this.#workers.map((worker) => worker.close()));
    const timer = setTimeout(() => {
      const reason = new ShutdownError();
      this.#shutdown.abort(reason);
      for (const run of this.#running.values()) run.abort(reason);
    }, graceMs);
    await Promise.race([drained, this.#onlyDeafLeft()]);
    clearTimeout(timer);
  }

  /**
   * Resolves once every run that goes on here was told to end, now or earlier, and has had a moment for it. A handler that ignores its
   * signal is left behind: its lock expires and another worker takes the job. Before the grace is over, having no run says nothing: a job
   * may be on its way here, or its end on the way to Redis.
   */
  async #onlyDeafLeft(): Promise<void> {
    let toldMs = 0;
    while (toldMs < END_WITHIN_MS) {
      await sleep(LOOK_EVERY_MS, undefined, { ref: false });
      const runs = [...this.#running.values()];
      const areTold = runs.every(({ signal }) => signal.aborted) && (runs.length > 0 || this.#shutdown.signal.aborted);
      toldMs = areTold ? toldMs + LOOK_EVERY_MS : 0;
    }
  }

  #consume(queue: QueueName): PatientWorker<JobData, Result> {
    const { connection, concurrency, log, registry, resultTtlSeconds } = this.#options;
    const isLongRunning = registry.tasksOf(queue).some((task) => task.longRunning);
    const worker = new PatientWorker<JobData, Result>(
      redisName(queue),
      (job, token) => this.#process(queue, job, token),
      {
        connection,
        prefix: QUEUE_PREFIX,
        concurrency: isLongRunning ? Math.max(1, Math.floor(concurrency * LONG_RUNNING_SHARE)) : concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: UNLIMITED_STALLS,
        runRetryDelay: seconds(1),
        // Set for the worker and not in each job, which makes a job smaller and quicker to read.
        removeOnComplete: { age: resultTtlSeconds, count: KEPT_RESULTS },
        removeOnFail: { age: DEAD_LETTERS_KEPT_MS / 1000, count: KEPT_DEAD_LETTERS },
        settings: {
          backoffStrategy: (attempt, _type, _error, job) => this.#delayBeforeRetry(attempt, job as Job<JobData>),
        },
      },
    );
    worker.on('error', (error) => log.warn({ queue, err: error }, 'queue not read, will try again'));
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) {
        const run = this.#running.get(id);
        if (run && !(run.signal.reason instanceof LostLockError)) this.#lose(id, run);
      }
    });
    return worker;
  }

  /** Ends a run whose job another run may have by now. */
  #lose(jobId: string, run: AbortController, cause?: unknown): LostLockError {
    const { log } = this.#options;
    const lost = new LostLockError(jobId, { cause });
    log.warn({ job_id: jobId, err: cause }, 'this run does not hold its job any more, so it tells nobody how it ends');
    run.abort(lost);
    return lost;
  }

  #delayBeforeRetry(attempt: number, job: Job<JobData>): number {
    const delaysMs = job.data.delaysMs ?? this.#options.registry.find(job.name)?.task.retry.delaysMs ?? [];
    return jittered(delaysMs[attempt - 1] ?? delaysMs.at(-1) ?? 0);
  }

  async #process(queue: QueueName, job: Job<JobData>, token: string | undefined): Promise<Result> {
    // A run that lost its lock has not ended yet. BullMQ knows one run of each job in a process, so this one waits for that end.
    if (this.#running.has(job.id!)) {
      await job.moveToDelayed(Date.now() + ENDING_MS, token);
      throw new DelayedError();
    }
    const controller = new AbortController();
    if (this.#shutdown.signal.aborted) controller.abort(this.#shutdown.signal.reason);
    this.#running.set(job.id!, controller);
    const release = await this.#slots.take();
    const facts = factsOf(queue, job);
    let isBegun = false;
    try {
      const task = this.#options.registry.find(job.name)?.task ?? (await this.#unknown(queue, job));
      controller.signal.throwIfAborted();
      // A handler that sees its signal fired from the start ends its work in good order.
      const isCancelled = job.attemptsStarted > 1 && (await this.#options.wasCancelled?.(job.id!)) === true;
      if (isCancelled) controller.abort(new CancelledError(job.id!));
      isBegun = true;
      return await this.#handle({
        task,
        payload: job.data.payload,
        context: this.#context(job, token, task, controller),
        job: { ...facts, isCancelled },
      });
    } catch (error) {
      // The layers know what an outage means for a run. One that comes before the run is none of the job's failures.
      const isNoRun = !isBegun && isServerAway(error);
      const outcome = isNoRun ? 'handed_back' : outcomeOf(error, controller.signal, facts.isLastAttempt);
      // The run was told to end after its last look at the signal: it continues at once, and finds the word that was left for it.
      const isCancelled = controller.signal.reason instanceof CancelledError;
      if (outcome === 'snoozed' && (error as SnoozeError).delayMs > 0 && !isCancelled) {
        await job.moveToDelayed(Date.now() + (error as SnoozeError).delayMs, token);
        throw new DelayedError();
      }
      if (outcome === 'handed_back' || outcome === 'snoozed') {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      // The word is removed with the job that it ended, so that a replay of the job is not ended again.
      if (isCancelled)
        await this.#options
          .wasCancelled?.(job.id!)
          .catch((err: unknown) =>
            this.#options.log.warn({ job_id: job.id, err }, 'a replay of this job will end, too'),
          );
      if (outcome === 'error') throw Object.assign(new UnrecoverableError(errorMessage(error)), { cause: error });
      throw error;
    } finally {
      release();
      this.#running.delete(job.id!);
    }
  }

  /** The first run under an ignorant version notes the time in the job; a replay begins anew. */
  async #unknown(queue: QueueName, job: Job<JobData>): Promise<AnyTask> {
    const now = this.#options.clock().getTime();
    const since = job.attemptsStarted > 1 ? (job.data.unknownSinceMs ?? now) : now;
    if (since !== job.data.unknownSinceMs) {
      await job.updateData({ ...job.data, unknownSinceMs: since });
      const fields = { task: job.name, queue, job_id: job.id };
      this.#options.log.warn(
        fields,
        'this version does not have the task of a job, which waits for a version that has it',
      );
    }
    return unknownTask(job.name, queue, new Date(since));
  }

  /** Asks Redis for the lock of this run. An answer that is an error confirms nothing. */
  async #confirmHeld(job: Job<JobData>, token: string | undefined, run: AbortController): Promise<void> {
    if (run.signal.reason instanceof LostLockError) throw run.signal.reason;
    let cause: unknown;
    const extended = await job.extendLock(token ?? '', LOCK_MS).catch((error: unknown) => {
      cause = error;
    });
    if (extended !== 1) throw this.#lose(job.id!, run, cause);
  }

  #context(job: Job<JobData>, token: string | undefined, task: AnyTask, controller: AbortController): RunContext {
    const { dispatcher, clock } = this.#options;
    const { correlationId, initiatedBy, replays = 0, slotMs } = job.data;
    const jobId = job.id!;
    const attempt = job.attemptsMade + 1;
    const log = this.#options.log.child({ task: task.name, job_id: jobId, correlation_id: correlationId, attempt });
    return {
      task,
      jobId,
      attempt,
      replays,
      now: clock(),
      enqueuedAt: new Date(job.timestamp),
      scheduledFor: new Date(slotMs ?? job.timestamp),
      signal: controller.signal,
      confirmHeld: () => this.#confirmHeld(job, token, controller),
      alive: () => undefined,
      correlationId,
      initiatedBy,
      log,
      ...followUps(dispatcher, task, job.data),
    };
  }
}
