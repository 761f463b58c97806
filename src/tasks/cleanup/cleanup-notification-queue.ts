import { z } from 'zod';
import { agedRowPlan, DELETES_ROWS, rowLine } from '../../domain/cleanup/aged-row-plan.ts';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { days, minutes } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';
import type { Services } from '../../services.ts';

/** Sent and failed notifications are kept for this long. */
const RETENTION_MS = days(7);

/**
 * The platform's delivery events refer to notifications by a column without an index, so each deleted row may cost PostgreSQL a scan of
 * all events.
 */
const FIRST_BATCH_ROWS = 20;

/** Deletes notifications that were sent or have failed a week ago. Pending ones stay at any age: the brake decides on them. */
export default defineMassTask({
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
  effects: DELETES_ROWS,
  needs: ['agedRows', 'cleanupPause'],

  plan: (_, context) => agedRowPlan(oldRows(context)),
  show: rowLine,

  async run(_, context) {
    const { again, cleanupPause: pause, log, signal } = context;
    const { deleted, finished } = await deleteInBatches(oldRows(context), {
      log,
      signal,
      pause,
      firstBatchRows: FIRST_BATCH_ROWS,
    });
    if (!finished) await again();
    return { deleted };
  },
});

type Reader = Pick<RunContext, 'now'> & Pick<Services, 'agedRows'>;

const oldRows = ({ agedRows, now }: Reader) => agedRows.notifications(new Date(now.getTime() - RETENTION_MS));
