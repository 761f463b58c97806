import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import type { QueueName } from '../../../src/runtime/define-task.ts';
import type { JobData } from '../../../src/runtime/job-data.ts';
import { QUEUE_PREFIX, redisName } from '../../../src/runtime/queues.ts';
import { now } from '../timeline.ts';
import { every, type LoadContext, once } from './load.ts';

/** A task that the next version of the worker has. */
export const NEXT_TASK = 'task_of_the_next_version';
export const NEXT_QUEUE: QueueName = 'sync';

/** Jobs as a scheduler of the next version adds them while workers of this one still run: they wait for a worker that knows them. */
export async function jobsOfTheNextVersion({ asked, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  const connection = stage.world.redisClient.duplicate();
  connection.on('error', () => undefined);
  const queue = new Queue<JobData>(redisName(NEXT_QUEUE), { connection, prefix: QUEUE_PREFIX });
  queue.on('error', () => undefined);
  try {
    await every(everyMs, signal, async () => {
      const jobId = randomUUID();
      asked.beside['jobs of the next version'] += 1;
      const atMs = now();
      const data: JobData = { payload: {}, correlationId: jobId, initiatedBy: 'chaos', source: 'schedule' };
      if (await once(asked, () => queue.add(NEXT_TASK, data, { jobId, attempts: 1 })))
        asked.ofNextVersion.push({ jobId, atMs });
    });
  } finally {
    await queue.close();
    connection.disconnect();
  }
}
