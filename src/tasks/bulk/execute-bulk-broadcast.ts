import { z } from 'zod';
import { BulkProgress } from '../../domain/bulk/progress.ts';
import { BroadcastReport } from '../../domain/notifications/broadcast-report.ts';
import {
  BROADCAST_EFFECTS,
  BROADCAST_FIELDS,
  isBroadcastOver,
  LOOK_WHILE_HELD_MS,
  nextLookMs,
} from '../../domain/notifications/broadcasts.ts';
import { errorCode, SnoozeError } from '../../lib/errors.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import control from './control-bulk-broadcast.ts';

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
  guarded: ({ telegram_ids: chats }) => (chats === 'all' ? 'all' : undefined),
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
    const report = new BroadcastReport({ broadcasts, bulkNotices, progress, run, broadcastId: jobId, ageMs });

    try {
      const { isQueued, wish } = await broadcasts.record(jobId);
      signal.throwIfAborted();
      if (!isQueued && wish !== 'cancel') {
        const { message, notification_type: type } = payload;
        await broadcasts.queue({ id: jobId, message, type, dueAt: enqueuedAt }, planned.groups(), {
          ...run,
          receipt: planned.receipt,
        });
        await broadcasts.markQueued(jobId);
      }
    } catch (error) {
      if (errorCode(signal.reason) !== 'cancelled') throw error;
      await broadcasts.apply(jobId, 'cancel');
      const look = await broadcasts.look(jobId);
      if (look.pending > 0) await enqueue(control, { broadcast_id: jobId, action: 'cancel' });
      await report.show('cancelled', look);
      throw signal.reason;
    }

    // A command that arrives while the rows are being added holds for those rows too.
    const { wish } = await broadcasts.record(jobId);
    await broadcasts.apply(jobId, wish);
    const look = await broadcasts.look(jobId);
    if (wish === 'cancel' ? look.pending === 0 : isBroadcastOver(look, ageMs))
      return await report.show(wish === 'cancel' ? 'cancelled' : 'completed', look);
    const isHeld = wish === 'pause' || wish === 'cancel';
    await report.show(isHeld || look.paused > 0 ? 'paused' : 'running', look);
    throw new SnoozeError(`broadcast ${jobId}: ${look.pending + look.paused} of ${look.total} are still to be sent`, {
      delayMs: isHeld ? LOOK_WHILE_HELD_MS : nextLookMs(ageMs),
    });
  },
});
