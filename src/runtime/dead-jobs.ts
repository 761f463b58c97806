import type { Job } from 'bullmq';
import type { QueueName } from './define-task.ts';
import type { JobData } from './job-data.ts';
import type { Queues } from './queues.ts';

/** A job that is out of retries. */
export type DeadJob = {
  id: string;
  kind: 'job';
  task: string;
  queue: QueueName;
  attempts: number;
  failedAt: Date;
  reason: string;
  initiatedBy: string;
};

/** The failed jobs of all queues: kept for 30 days, listed newest first, replayable. */
export class DeadJobs {
  readonly #queues: Queues;

  constructor(queues: Queues) {
    this.#queues = queues;
  }

  async list(limit: number): Promise<DeadJob[]> {
    await this.#queues.ready();
    const found = await Promise.all(
      [...this.#queues.entries()].map(async ([queue, handle]) =>
        (await handle.getFailed(0, limit - 1)).map((job) => describe(queue, job)),
      ),
    );
    return found
      .flat()
      .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
      .slice(0, limit);
  }

  async count(): Promise<number> {
    await this.#queues.ready();
    const counts = await Promise.all([...this.#queues.entries()].map(([, handle]) => handle.getFailedCount()));
    return counts.reduce((sum, n) => sum + n, 0);
  }

  /**
   * Puts the job back into its queue with all its attempts. False where this dead letter does not exist (any more). With an `act`, one
   * failure is put back once: the same act, begun again after it was killed, leaves a job alone that has failed anew since.
   */
  async replay(id: string, act?: string): Promise<boolean> {
    const job = await this.#locate(id);
    if (!job) return false;
    const { replayedBy, replays = 0 } = job.data;
    const failedAtMs = job.finishedOn ?? 0;
    const wasCounted = act !== undefined && replayedBy?.act === act;
    if (wasCounted && replayedBy.failedAtMs !== failedAtMs) return true;
    const put = act === undefined ? {} : { replayedBy: { act, failedAtMs } };
    // Before it is put back: the run that follows must be able to tell its end from the earlier one.
    if (!wasCounted) await job.updateData({ ...job.data, ...put, replays: replays + 1 });
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    return true;
  }

  /** Whether there is such a dead letter. */
  async has(id: string): Promise<boolean> {
    return (await this.#locate(id)) !== undefined;
  }

  /** Removes the job. False where this dead letter does not exist (any more). */
  async discard(id: string): Promise<boolean> {
    const job = await this.#locate(id);
    await job?.remove();
    return job !== undefined;
  }

  /** Asks the lists of failed jobs alone, which costs a tenth of reading a job from each queue. */
  async #locate(id: string): Promise<Job<JobData> | undefined> {
    await this.#queues.ready();
    const found = await Promise.all(
      [...this.#queues.entries()].map(async ([, handle]) =>
        (await handle.backend.isJobInState('failed', id)) ? handle : undefined,
      ),
    );
    return await found.find((handle) => handle !== undefined)?.getJob(id);
  }
}

function describe(queue: QueueName, job: Job<JobData>): DeadJob {
  return {
    id: job.id!,
    kind: 'job',
    task: job.name,
    queue,
    attempts: job.attemptsMade,
    failedAt: new Date(job.finishedOn ?? job.timestamp),
    reason: job.failedReason ?? 'unknown',
    initiatedBy: job.data.initiatedBy,
  };
}
