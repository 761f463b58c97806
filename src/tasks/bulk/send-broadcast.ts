import { z } from 'zod';
import { BulkProgress } from '../../domain/bulk/progress.ts';
import { BroadcastReport } from '../../domain/notifications/broadcast-report.ts';
import {
  BROADCAST_EFFECTS,
  isBroadcastOver,
  LOOK_WHILE_HELD_MS,
  nextLookMs,
} from '../../domain/notifications/broadcasts.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { errorCode, PermanentError, SnoozeError } from '../../lib/errors.ts';
import { SegmentConditions } from '../../lib/segment.ts';
import { broadcastLate } from '../../messages/bulk-broadcast.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import processNotificationQueue from '../notifications/process-notification-queue.ts';

const LOOK_AGAIN_AT_MOST_MS = hours(1);
/** The kind of notice that tells staff of a broadcast that nobody could send at its time. */
const LATE = 'broadcast_late';

/**
 * Sends a planned broadcast: records every chat of its segment once, queues their messages, and then only looks how far they are. What staff
 * said of it stands in PostgreSQL, so that a run after a kill, or in an emptied Redis, goes on where the last one was.
 */
export default defineMassTask({
  name: 'send_broadcast',
  summary: {
    en: 'Sends a planned broadcast to the chats of its segment, each once, and shows progress',
    ru: 'Отправляет запланированную рассылку чатам её сегмента, каждому один раз, и показывает ход',
  },
  payload: z.object({ broadcast_id: z.guid().describe('Id of the planned broadcast') }),
  args: ['broadcast_id'],
  retry: {
    delaysMs: [seconds(10), minutes(1), minutes(5), minutes(15), minutes(30), hours(1), hours(2)],
    exhausted: 'alert',
  },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  counts: {
    sent: 'Messages delivered',
    failed: 'Messages that will not be delivered',
    withdrawn: 'Messages taken back when it was cancelled',
    total: 'Messages queued',
  },
  effects: BROADCAST_EFFECTS,
  needs: ['broadcastComposer', 'broadcasts', 'bulkNotices', 'bulkProgress', 'plannedBroadcasts', 'settings'],

  async *plan({ broadcast_id: id }, { broadcastComposer, now, plannedBroadcasts, signal }) {
    const planned = await plannedBroadcasts.find(id);
    if (!planned) throw unknown(id);
    if (planned.filledAt) return;
    yield* broadcastComposer.groups({ ...planned, segment: SegmentConditions.parse(planned.segment) }, now, signal);
  },

  show: ({ chat, text }) => ({ effect: 'send', subject: String(chat), detail: text }),

  async run({ broadcast_id: id }, services, { groups }) {
    const { broadcastComposer, broadcasts, bulkNotices, bulkProgress, plannedBroadcasts, settings, ...run } = services;
    const { enqueue, log, now, signal } = run;
    const lateBefore = new Date(now.getTime() - hours(settings.NOTIFICATION_STALE_HOURS));
    const planned = await plannedBroadcasts.begin(id, now, lateBefore);
    if (!planned) throw unknown(id);
    const { sendAt, state } = planned;
    if (planned.begunAt === undefined) {
      if (state === 'cancelled' || sendAt === undefined) return { sent: 0, failed: 0, withdrawn: 0, total: 0 };
      const delayMs = Math.max(seconds(1), Math.min(sendAt.getTime() - now.getTime(), LOOK_AGAIN_AT_MOST_MS));
      throw new SnoozeError(`broadcast ${id} is to be sent at ${sendAt.toISOString()}`, { delayMs });
    }
    const { begunAt, heldBecause, name } = planned;
    const lateMs = begunAt.getTime() - (sendAt ?? begunAt).getTime();
    if (heldBecause === 'late' && !(await bulkNotices.wasTold(run, LATE)))
      await bulkNotices.tell(run, LATE, (locale) => broadcastLate({ name, lateMs }, locale));
    const ageMs = now.getTime() - begunAt.getTime();
    using progress = new BulkProgress(bulkProgress, {
      ...run,
      id,
      operation: 'broadcast',
      startedAt: begunAt,
      events: { moved: 'bulk.broadcast.progress', ended: 'bulk.broadcast.completed' },
    });
    const report = new BroadcastReport({ broadcasts, bulkNotices, progress, run, broadcastId: id, ageMs });

    /** The first messages go out while the others are added, and not at the next poll, which comes every 30 s. */
    const onQueued = async (): Promise<void> => {
      const options = { uniqueKey: processNotificationQueue.name, afterActive: true };
      await enqueue(processNotificationQueue, {}, options).catch((err: unknown) =>
        log.warn({ err }, 'delivery not signalled'),
      );
    };
    let isFilled = planned.filledAt !== undefined;
    try {
      if (!isFilled && state === 'sending')
        isFilled = await broadcastComposer.fill(id, groups(), now, { ...run, onQueued });
    } catch (error) {
      // A cancelled job cancels its broadcast, which would get another job otherwise.
      if (errorCode(signal.reason) === 'cancelled') await plannedBroadcasts.say(id, 'cancel');
      throw error;
    }

    const wish = (await plannedBroadcasts.find(id))?.state;
    const isCancelled = wish === 'cancelled';
    await broadcasts.apply(id, isCancelled ? 'cancel' : wish === 'paused' ? 'pause' : 'resume');
    const look = await broadcasts.look(id);
    if (isCancelled ? look.pending === 0 : isFilled && isBroadcastOver(look, ageMs)) {
      await broadcasts.noteUnsent(id);
      const counts = await report.show(isCancelled ? 'cancelled' : 'completed', look);
      await plannedBroadcasts.end(id, now);
      return counts;
    }
    const isHeld = isCancelled || wish === 'paused';
    await report.show(isHeld ? 'paused' : 'running', look);
    throw new SnoozeError(`broadcast ${id}: ${look.pending + look.paused} of ${look.total} are still to be sent`, {
      delayMs: isHeld ? LOOK_WHILE_HELD_MS : nextLookMs(ageMs),
    });
  },
});

const unknown = (id: string): PermanentError =>
  new PermanentError('broadcast_unknown', `no broadcast has the id ${id}`);
