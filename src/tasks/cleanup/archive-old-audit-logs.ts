import { z } from 'zod';
import { agedRowPlan, DELETES_ROWS, rowLine } from '../../domain/cleanup/aged-row-plan.ts';
import { ArchivedBatches } from '../../domain/cleanup/archived-batches.ts';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';
import type { Services } from '../../services.ts';

/** Deletes audit logs past their retention; with AUDIT_ARCHIVE, each batch only after it is stored. */
export default defineMassTask({
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
  effects: DELETES_ROWS,
  needs: ['agedRows', 'auditLogs', 'cleanupPause', 'settings', 'storage'],

  plan: (_, context) => agedRowPlan(oldRows(context)),
  show: rowLine,

  async run(_, context) {
    const { again, auditLogs, cleanupPause: pause, log, settings, signal, storage } = context;
    const old = oldRows(context);
    const archived = settings.AUDIT_ARCHIVE ? new ArchivedBatches(old, auditLogs, storage, signal) : undefined;
    const { deleted, finished } = await deleteInBatches(archived ?? old, { log, signal, pause });
    if (!finished) await again();
    return { deleted, archives: archived?.archives ?? 0 };
  },
});

type Reader = Pick<RunContext, 'now'> & Pick<Services, 'agedRows' | 'settings'>;

const oldRows = ({ agedRows, now, settings }: Reader) =>
  agedRows.auditLogs(new Date(now.getTime() - days(settings.CLEANUP_AUDIT_RETENTION_DAYS)));
