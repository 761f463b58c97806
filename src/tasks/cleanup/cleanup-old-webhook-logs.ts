import { z } from 'zod';
import { agedRowPlan, DELETES_ROWS, rowLine } from '../../domain/cleanup/aged-row-plan.ts';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';
import type { Services } from '../../services.ts';

/** Deletes webhook logs past their retention, processed or not: none is tried again after 24 hours. */
export default defineMassTask({
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
  effects: DELETES_ROWS,
  needs: ['agedRows', 'cleanupPause', 'settings'],

  plan: (_, context) => agedRowPlan(oldRows(context)),
  show: rowLine,

  async run(_, context) {
    const { again, cleanupPause: pause, log, signal } = context;
    const { deleted, finished } = await deleteInBatches(oldRows(context), { log, signal, pause });
    if (!finished) await again();
    return { deleted };
  },
});

type Reader = Pick<RunContext, 'now'> & Pick<Services, 'agedRows' | 'settings'>;

const oldRows = ({ agedRows, now, settings }: Reader) =>
  agedRows.webhookLogs(new Date(now.getTime() - days(settings.CLEANUP_WEBHOOK_RETENTION_DAYS)));
