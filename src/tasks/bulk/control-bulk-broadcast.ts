import { z } from 'zod';
import { minutes, seconds } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** The time between looks at rows that workers are sending; they give them back within a lease. */
const LOOK_AGAIN_MS = seconds(10);
const GIVE_UP_AFTER_MS = minutes(15);

/** Pauses, resumes or cancels a broadcast, whether its job runs, waits or is gone. Repeating a command changes nothing more. */
export default defineTask({
  name: 'control_bulk_broadcast',
  summary: {
    en: 'Pauses, resumes or cancels a broadcast; cancelling withdraws what is not sent',
    ru: 'Приостанавливает, продолжает или отменяет рассылку; при отмене отзывает неотправленное',
  },
  payload: z.object({
    broadcast_id: z.string().min(1).max(128).describe('Job id of the broadcast'),
    action: z.enum(['pause', 'resume', 'cancel']),
  }),
  args: ['broadcast_id', 'action'],
  retry: { delaysMs: [seconds(5), seconds(30)], exhausted: 'alert' },
  watched: true,
  counts: {
    pending: 'Messages still to be sent',
    paused: 'Messages that wait for a resume',
    sent: 'Messages delivered',
    failed: 'Messages that will not be delivered',
    withdrawn: 'Messages taken back',
  },
  needs: ['broadcasts'],

  async run({ action, broadcast_id: id }, { broadcasts, enqueuedAt, now }) {
    await broadcasts.say(id, action);
    await broadcasts.apply(id, action);
    const look = await broadcasts.look(id);
    const isYoung = now.getTime() - enqueuedAt.getTime() < GIVE_UP_AFTER_MS;
    if (action !== 'resume' && look.pending > 0 && isYoung) {
      throw new SnoozeError(`broadcast ${id}: ${look.pending} messages are in workers' hands`, {
        delayMs: LOOK_AGAIN_MS,
      });
    }
    return look;
  },
});
