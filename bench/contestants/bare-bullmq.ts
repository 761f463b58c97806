/** BullMQ as its manual shows it: one worker, one queue, a handler that does nothing. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { serveMeasure } from './speak.ts';
import { monotonicMs, type ProbePayload } from './tasks.ts';

const latencies: number[] = [];
const connection = new Redis(process.env.REDIS_URL!, { maxRetriesPerRequest: null });
const worker = new Worker<ProbePayload>(
  'bare',
  async ({ data }) => {
    if (data.dispatchedAtMs !== undefined) latencies.push(monotonicMs() - data.dispatchedAtMs);
    return { done: 1 };
  },
  { connection, concurrency: Number(process.env.TASK_CONCURRENCY) },
);
await worker.waitUntilReady();
await serveMeasure(latencies);
await worker.close(true);
connection.disconnect();
