import type { Job } from 'bullmq';
import type { JobFacts } from './compose.ts';
import type { QueueName } from './define-task.ts';
import type { JobData } from './job-data.ts';

/** What the layers are told of a job that was just taken. */
export function factsOf(queue: QueueName, job: Job<JobData>): Omit<JobFacts, 'isCancelled'> {
  const dueAt = job.timestamp + (job.attemptsMade === 0 ? job.delay : 0);
  return {
    data: job.data,
    queue,
    stalls: job.stalledCounter,
    isQueued: true,
    isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
    waitedMs: job.attemptsMade === 0 ? (job.processedOn ?? Date.now()) - dueAt : 0,
  };
}
