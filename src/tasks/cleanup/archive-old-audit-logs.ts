import { z } from 'zod';
import { ArchivedBatches } from '../../domain/cleanup/archived-batches.ts';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Deletes audit logs past their retention; with AUDIT_ARCHIVE, each batch only after it is stored. */
export default defineTask({
  name: 'archive_old_audit_logs',
  summary: {
    en: 'Deletes audit logs past CLEANUP_AUDIT_RETENTION_DAYS, with AUDIT_ARCHIVE after storing them',
    ru: 'Удаляет журнал действий старше CLEANUP_AUDIT_RETENTION_DAYS; с AUDIT_ARCHIVE сначала сохраняет его',
  },
  aliases: ['cleanup_audit_logs'],
  payload: z.object({}),
  schedule: { cron: '0 3 * * 0' },
  retry: { delaysMs: [minutes(5), minutes(5)], exhausted: 'log' },
  longRunning: true,
  counts: { deleted: 'Audit logs deleted', archives: 'Archive objects written' },
  needs: ['agedRows', 'auditLogs', 'cleanupPause', 'settings', 'storage'],

  async run(_, { again, agedRows, auditLogs, cleanupPause: pause, log, now, settings, signal, storage }) {
    const before = new Date(now.getTime() - days(settings.CLEANUP_AUDIT_RETENTION_DAYS));
    const old = agedRows.auditLogs(before);
    const archived = settings.AUDIT_ARCHIVE ? new ArchivedBatches(old, auditLogs, storage, signal) : undefined;
    const { deleted, finished } = await deleteInBatches(archived ?? old, { log, signal, pause });
    if (!finished) await again();
    return { deleted, archives: archived?.archives ?? 0 };
  },
});
