import { z } from 'zod';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Sent and failed notifications are kept for this long. */
const RETENTION_MS = days(7);

/**
 * The platform's delivery events refer to notifications by a column without an index, so each deleted row may cost PostgreSQL a scan of
 * all events.
 */
const FIRST_BATCH_ROWS = 20;

/** Deletes notifications that were sent or have failed a week ago. Pending ones stay at any age: the brake decides on them. */
export default defineTask({
  name: 'cleanup_notification_queue',
  summary: {
    en: 'Deletes sent and failed notifications after 7 days',
    ru: 'Удаляет отправленные и неудавшиеся уведомления через 7 дней',
  },
  aliases: ['cleanup_notifications'],
  payload: z.object({}),
  schedule: { cron: '0 1 * * *' },
  retry: { delaysMs: [minutes(5), minutes(5)], exhausted: 'log' },
  longRunning: true,
  counts: { deleted: 'Notifications deleted' },
  needs: ['agedRows', 'cleanupPause'],

  async run(_, { again, agedRows, cleanupPause: pause, log, now, signal }) {
    const before = new Date(now.getTime() - RETENTION_MS);
    const { deleted, finished } = await deleteInBatches(agedRows.notifications(before), {
      log,
      signal,
      pause,
      firstBatchRows: FIRST_BATCH_ROWS,
    });
    if (!finished) await again();
    return { deleted };
  },
});
