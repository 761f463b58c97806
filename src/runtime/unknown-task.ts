import { z } from 'zod';
import { hours, minutes, seconds } from '../lib/duration.ts';
import { PermanentError, SnoozeError } from '../lib/errors.ts';
import { laterMs } from '../lib/later.ts';
import { type AnyTask, defineTask, type QueueName } from './define-task.ts';

/** A version that knows the task takes the job within seconds where one runs; a rollout in steps may take most of an hour. */
const PATIENCE = { atLeastMs: seconds(5), atMostMs: minutes(1), forMs: hours(1) };

/**
 * Stands for a task that this version does not have, while another version is being rolled out or back. Its job goes back to the queue for an
 * hour, with no attempt used, for a worker that knows it. Then it fails as every job does: with a log line, an alert, a dead letter, and a
 * result for its producer. `since` is when a worker first did not know it.
 */
export function unknownTask(name: string, queue: QueueName, since: Date): AnyTask {
  const task = defineTask({
    name,
    summary: { en: 'A task of another version', ru: 'Задача другой версии' },
    payload: z.looseObject({}),
    retry: { delaysMs: [], exhausted: 'alert' },
    counts: {},
    needs: [],

    async run(_, { now }) {
      const delayMs = laterMs(now.getTime() - since.getTime(), PATIENCE);
      if (delayMs === undefined) {
        const message = `There is no task named '${name}' in this version, and no other version took the job for an hour; replay it where the task exists`;
        throw new PermanentError('unknown_task', message);
      }
      throw new SnoozeError(`no task named '${name}' in this version`, { delayMs });
    },
  });
  return { ...task, queue };
}
