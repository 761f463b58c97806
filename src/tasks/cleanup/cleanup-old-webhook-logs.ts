import { z } from 'zod';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Deletes webhook logs past their retention, processed or not: none is tried again after 24 hours. */
export default defineTask({
  name: 'cleanup_old_webhook_logs',
  summary: {
    en: 'Deletes webhook logs past CLEANUP_WEBHOOK_RETENTION_DAYS',
    ru: 'Удаляет журнал вебхуков старше CLEANUP_WEBHOOK_RETENTION_DAYS',
  },
  aliases: ['cleanup_webhook_logs'],
  payload: z.object({}),
  schedule: { cron: '0 3 * * 1' },
  retry: { delaysMs: [minutes(5), minutes(5)], exhausted: 'log' },
  longRunning: true,
  counts: { deleted: 'Webhook logs deleted' },
  needs: ['agedRows', 'cleanupPause', 'settings'],

  async run(_, { again, agedRows, cleanupPause: pause, log, now, settings, signal }) {
    const before = new Date(now.getTime() - days(settings.CLEANUP_WEBHOOK_RETENTION_DAYS));
    const { deleted, finished } = await deleteInBatches(agedRows.webhookLogs(before), { log, signal, pause });
    if (!finished) await again();
    return { deleted };
  },
});
