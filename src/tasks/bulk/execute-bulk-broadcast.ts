import { z } from 'zod';
import { BulkProgress } from '../../domain/bulk/progress.ts';
import type { BroadcastLook } from '../../domain/notifications/broadcasts.ts';
import {
  BROADCAST_EFFECTS,
  BROADCAST_FIELDS,
  ERRORS_REPORTED,
  isBroadcastOver,
  nextLookMs,
} from '../../domain/notifications/broadcasts.ts';
import { seconds } from '../../lib/duration.ts';
import { errorCode, SnoozeError } from '../../lib/errors.ts';
import { broadcastEnded } from '../../messages/bulk-broadcast.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import control from './control-bulk-broadcast.ts';

/** While the broadcast is paused or being cancelled, the job looks this often whether it may continue or is over. */
const LOOK_WHILE_HELD_MS = seconds(15);

/**
 * Sends one message to many customers or to all. Its rows are added once, under ids that derive from the broadcast. From then on the job
 * only looks how far their delivery is, and holds no worker in between.
 */
export default defineMassTask({
  name: 'execute_bulk_broadcast',
  summary: {
    en: 'Queues one message for a list of chats or for all customers, shows progress, can be paused and cancelled',
    ru: 'Ставит в очередь одно сообщение для списка чатов или всех клиентов; ход виден, есть пауза и отмена',
  },
  aliases: ['bulk_broadcast'],
  payload: z.object({
    telegram_ids: z
      .union([z.literal('all'), z.array(z.int()).max(500_000)])
      .describe('Chats, where duplicates count once; `all`: every active customer who can be reached'),
    ...BROADCAST_FIELDS,
  }),
  fieldAliases: { text: 'message' },
  args: ['telegram_ids', 'message', 'notification_type', 'job_id'],
  retry: { delaysMs: [], exhausted: 'alert' },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  counts: {
    sent: 'Messages delivered',
    failed: 'Messages that will not be delivered',
    withdrawn: 'Messages taken back when it was cancelled',
    total: 'Chats after removing duplicates',
  },
  effects: BROADCAST_EFFECTS,
  needs: ['broadcasts', 'bulkNotices', 'bulkProgress'],

  async *plan({ telegram_ids: given }, { broadcasts }) {
    for await (const steps of broadcasts.chats(given)) yield { steps };
  },

  show: (chat) => ({ effect: 'send', subject: String(chat) }),

  async run(payload, { broadcasts, bulkNotices, bulkProgress, ...run }, planned) {
    const { alive, confirmHeld, enqueue, enqueuedAt, jobId, now, signal } = run;
    using progress = new BulkProgress(bulkProgress, {
      alive,
      confirmHeld,
      id: payload.job_id ?? jobId,
      operation: 'broadcast',
      startedAt: enqueuedAt,
      events: { moved: 'bulk.broadcast.progress', ended: 'bulk.broadcast.completed' },
    });
    const ageMs = now.getTime() - enqueuedAt.getTime();
    const show = async (status: 'running' | 'paused' | 'completed' | 'cancelled', look: BroadcastLook) => {
      const { failed, sent, total, withdrawn } = look;
      const errors = failed > 0 ? await broadcasts.failures(jobId, ERRORS_REPORTED) : [];
      await progress.show({ status, processed: sent + failed + withdrawn, total, succeeded: sent, failed, errors });
      if (status === 'completed' || status === 'cancelled')
        await bulkNotices.tell(run, 'bulk_completed', (locale) =>
          broadcastEnded({ jobId, status, sent, failed, withdrawn, total, durationMs: ageMs }, locale),
        );
      return { sent, failed, withdrawn, total, duration_seconds: ageMs / 1000, errors };
    };

    try {
      const { isQueued, wish } = await broadcasts.record(jobId);
      signal.throwIfAborted();
      if (!isQueued && wish !== 'cancel') {
        const { message, notification_type: type } = payload;
        await broadcasts.queue({ id: jobId, message, type, dueAt: enqueuedAt }, planned.groups(), run);
        await broadcasts.markQueued(jobId);
      }
    } catch (error) {
      if (errorCode(signal.reason) !== 'cancelled') throw error;
      await broadcasts.apply(jobId, 'cancel');
      const look = await broadcasts.look(jobId);
      if (look.pending > 0) await enqueue(control, { broadcast_id: jobId, action: 'cancel' });
      await show('cancelled', look);
      throw signal.reason;
    }

    // A command that arrives while the rows are being added holds for those rows too.
    const { wish } = await broadcasts.record(jobId);
    await broadcasts.apply(jobId, wish);
    const look = await broadcasts.look(jobId);
    if (wish === 'cancel' ? look.pending === 0 : isBroadcastOver(look, ageMs))
      return await show(wish === 'cancel' ? 'cancelled' : 'completed', look);
    const isHeld = wish === 'pause' || wish === 'cancel';
    await show(isHeld || look.paused > 0 ? 'paused' : 'running', look);
    throw new SnoozeError(`broadcast ${jobId}: ${look.pending + look.paused} of ${look.total} are still to be sent`, {
      delayMs: isHeld ? LOOK_WHILE_HELD_MS : nextLookMs(ageMs),
    });
  },
});
