import { ErrorCode, type Job, type Queue } from 'bullmq';
import type { RedisClient } from '../lib/redis-client.ts';
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

/**
 * Replaces the data of a job that is still the dead letter that was read; answers 1, or 0 where somebody was quicker. ARGV: the id, the end of
 * the failure, the data as read, the new data.
 */
const REPLACE_DATA = `
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
local now = redis.call('HMGET', KEYS[1], 'finishedOn', 'data')
if now[1] ~= ARGV[2] or now[2] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[4])
return 1`;

/** The failed jobs of all queues: kept for 30 days, listed newest first, replayable. */
export class DeadJobs {
  readonly #queues: Queues;
  readonly #redis: RedisClient;

  constructor(queues: Queues, redis: RedisClient) {
    this.#queues = queues;
    this.#redis = redis;
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
   * Puts the job back into its queue with all its attempts. False where this dead letter does not exist (any more). Of several calls at once
   * one puts it back, and one counts it. With an `act`, one failure is put back once: the same act, begun again after it was killed, leaves a
   * job alone that it has put back already, also one that has failed anew since, and answers true for it.
   */
  async replay(id: string, act?: string): Promise<boolean> {
    const handle = await this.#locate(id);
    if (!handle) return act !== undefined && (await this.#isPutBackBy(act, id));
    const job = await handle.getJob(id);
    const [before, finishedOn] = await this.#redis.hmget(handle.toKey(id), 'data', 'finishedOn');
    // Discarded or put back between two of these questions.
    if (!job || !before || !finishedOn) return false;
    const data = JSON.parse(before) as JobData;
    const failedAtMs = Number(finishedOn);
    const wasCounted = data.replayedBy?.failedAtMs === failedAtMs;
    if (act !== undefined && data.replayedBy?.act === act && !wasCounted) return true;
    const replayedBy = { ...(wasCounted && data.replayedBy), ...(act !== undefined && { act }), failedAtMs };
    // Counted before it is put back: the run that follows must be able to tell its end from the earlier one.
    const replays = (data.replays ?? 0) + (wasCounted ? 0 : 1);
    const after = JSON.stringify({ ...data, replayedBy, replays });
    const keys = [handle.toKey(id), handle.toKey('failed')];
    const isSame = await this.#redis.eval(REPLACE_DATA, keys.length, ...keys, id, finishedOn, before, after);
    return isSame === 1 ? await putBack(job) : await this.replay(id, act);
  }

  /** Whether there is such a dead letter. */
  async has(id: string): Promise<boolean> {
    return (await this.#locate(id)) !== undefined;
  }

  /** Removes the job. False where this dead letter does not exist (any more). */
  async discard(id: string): Promise<boolean> {
    const job = await (await this.#locate(id))?.getJob(id);
    await job?.remove();
    return job !== undefined;
  }

  /** Whether this act has put the job back before it was killed, wherever the job is by now. */
  async #isPutBackBy(act: string, id: string): Promise<boolean> {
    const found = await Promise.all([...this.#queues.entries()].map(([, handle]) => handle.getJob(id)));
    return found.some((job) => job?.data.replayedBy?.act === act);
  }

  /** Asks the lists of failed jobs alone, which costs a tenth of reading a job from each queue. */
  async #locate(id: string): Promise<Queue<JobData> | undefined> {
    await this.#queues.ready();
    const found = await Promise.all(
      [...this.#queues.entries()].map(async ([, handle]) =>
        (await handle.backend.isJobInState('failed', id)) ? handle : undefined,
      ),
    );
    return found.find((handle) => handle !== undefined);
  }
}

/** False where another call has put it back, or discarded it, in between. */
async function putBack(job: Job<JobData>): Promise<boolean> {
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === ErrorCode.JobNotInState || code === ErrorCode.JobNotExist) return false;
    throw error;
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
