import { z } from 'zod';
import {
  BROADCAST_EFFECTS,
  BROADCAST_FIELDS,
  ERRORS_REPORTED,
  isBroadcastOver,
  nextLookMs,
} from '../../domain/notifications/broadcasts.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';

/** Queues one message for many and reports once all rows are done. Every row's id follows from the job's, so a re-run adds nobody twice. */
export default defineMassTask({
  name: 'broadcast_message',
  summary: {
    en: 'Queues one message for a list of chats and reports when all are done',
    ru: 'Ставит в очередь одно сообщение для списка чатов и сообщает, когда отправлены все',
  },
  payload: z.object({
    telegram_ids: z.array(z.int()).max(500_000).describe('Chats; duplicates count once'),
    ...BROADCAST_FIELDS,
  }),
  fieldAliases: { text: 'message' },
  args: ['telegram_ids', 'message', 'notification_type', 'job_id'],
  retry: { delaysMs: [], exhausted: 'alert' },
  timeLimitMs: 'none',
  watched: true,
  counts: {
    sent: 'Messages delivered',
    failed: 'Messages that will not be delivered',
    total: 'Chats after removing duplicates',
  },
  effects: BROADCAST_EFFECTS,
  needs: ['broadcasts', 'progress'],

  async *plan({ telegram_ids: given }, { broadcasts }) {
    for await (const steps of broadcasts.chats(given)) yield { steps };
  },

  show: (chat) => ({ effect: 'send', subject: String(chat) }),

  async run(payload, { broadcasts, progress, ...run }, planned) {
    const { confirmHeld, enqueuedAt, jobId, now } = run;
    const total = new Set(payload.telegram_ids).size;
    const { message, notification_type: type } = payload;
    const before = await broadcasts.look(jobId);
    if (before.total < total)
      await broadcasts.queue({ id: jobId, message, type, dueAt: enqueuedAt }, planned.groups(), {
        ...run,
        receipt: planned.receipt,
      });
    const look = await broadcasts.look(jobId);
    const errors = look.failed > 0 ? await broadcasts.failures(jobId, ERRORS_REPORTED) : [];
    const { sent } = look;
    const failed = look.failed + look.withdrawn;

    const ageMs = now.getTime() - enqueuedAt.getTime();
    const isDone = isBroadcastOver(look, ageMs);
    if (isDone) await confirmHeld();
    await progress.save(payload.job_id ?? jobId, {
      operation: 'broadcast',
      status: isDone ? 'completed' : look.paused > 0 ? 'paused' : 'running',
      processed: sent + failed,
      total,
      succeeded: sent,
      failed,
      errors,
      startedAt: enqueuedAt,
      updatedAt: now,
    });
    if (!isDone) {
      const left = look.pending + look.paused;
      throw new SnoozeError(`broadcast ${jobId}: ${left} of ${total} messages are still to be sent`, {
        delayMs: nextLookMs(ageMs),
      });
    }
    return { sent, failed, total, errors };
  },
});
