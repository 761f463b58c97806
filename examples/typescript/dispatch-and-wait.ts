/**
 * Sends one message and waits until it is delivered:
 *
 *     WORKER_URL=http://localhost:9090 WORKER_TOKEN=... node examples/typescript/dispatch-and-wait.ts 100001 "Hello"
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ApiProblem, WorkerApi } from './worker-api.ts';

const [chat = '100001', message = 'Hello from the API'] = process.argv.slice(2);
const api = new WorkerApi(process.env.WORKER_URL ?? 'http://localhost:9090', process.env.WORKER_TOKEN ?? '');

try {
  const { job_id: id } = await api.dispatchSendNotification(
    { telegram_id: Number(chat), message, notification_type: 'info' },
    // Sending this again, after a timeout say, adds no second message.
    { idempotencyKey: `example-${chat}-${message.length}-${Date.now()}` },
  );
  let job = await api.getJob(id);
  while (job.state !== 'completed' && job.state !== 'failed') {
    await delay(200);
    job = await api.getJob(id);
  }
  console.log(JSON.stringify({ id, state: job.state, result: job.result, error: job.error }));
} catch (error) {
  if (!(error instanceof ApiProblem)) throw error;
  console.error(`${error.status}: ${error.message}`);
  process.exitCode = 1;
}
