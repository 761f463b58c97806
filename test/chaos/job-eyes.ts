import { Queue } from 'bullmq';
import { QUEUES } from '../../src/runtime/define-task.ts';
import { QUEUE_PREFIX, redisName } from '../../src/runtime/queues.ts';
import type { Evidence, JobEvidence } from './evidence.ts';

/** Reads jobs beside the service. */
export class JobEyes {
  readonly #queues: ReadonlyMap<string, Queue>;

  constructor(url: string) {
    this.#queues = new Map(
      QUEUES.map((name) => [name, new Queue(redisName(name), { connection: { url }, prefix: QUEUE_PREFIX })] as const),
    );
  }

  async job(queue: string, id: string): Promise<JobEvidence> {
    const job = await this.#queues.get(queue)!.getJob(id);
    if (!job) return { state: 'missing', result: undefined, error: undefined };
    return { state: await job.getState(), result: job.returnvalue as JobEvidence['result'], error: job.failedReason };
  }

  /** By id. */
  async jobs(queue: string, asked: readonly { jobId: string }[]): Promise<Map<string, JobEvidence>> {
    return new Map(await Promise.all(asked.map(async ({ jobId }) => [jobId, await this.job(queue, jobId)] as const)));
  }

  /** The waiting, active and delayed jobs of all queues. */
  async open(): Promise<Evidence['jobs']> {
    const lists = await Promise.all(
      [...this.#queues].map(async ([queue, handle]) => {
        const jobs = await handle.getJobs(['waiting', 'active', 'prioritized', 'delayed'], 0, 20);
        return await Promise.all(
          jobs.map(async (job) => ({ queue, id: job.id!, task: job.name, state: await job.getState() })),
        );
      }),
    );
    return lists.flat();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }
}
