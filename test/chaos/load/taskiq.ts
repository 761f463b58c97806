import { randomUUID } from 'node:crypto';
import { now } from '../timeline.ts';
import { keyOf } from './asked.ts';
import { every, insist, type LoadContext } from './load.ts';

const POISON_EVERY = 25;

/** Sends messages of a Python producer, some of them invalid. */
export async function taskiqMessages({ asked, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  await every(everyMs, signal, async (turn) => {
    const taskId = randomUUID();
    const chat = 40_000_000 + turn;
    const text = `from python ${turn}`;
    const isPoison = turn % POISON_EVERY === POISON_EVERY - 1;
    const kwargs = isPoison ? { telegram_id: 'nobody' } : { telegram_id: String(chat), message: text };
    const body = { task_id: taskId, task_name: 'send_notification', labels: {}, args: [], kwargs };
    const atMs = now();
    // Sent again, the same message has the same task id: it is the same job.
    await insist(() => stage.world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify(body)));
    asked.taskiq.push({ taskId, atMs, isPoison });
    if (!isPoison) asked.messages.push({ kind: 'job', key: keyOf(chat, text), atMs });
  });
}
