import { z } from 'zod';
import { agedRowPlan, DELETES_ROWS, rowLine } from '../../domain/cleanup/aged-row-plan.ts';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { minutes } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';
import type { Services } from '../../services.ts';

/** Deletes refresh tokens that nobody can use any more. The next run continues one that was stopped or got long. */
export default defineMassTask({
  name: 'cleanup_expired_tokens',
  summary: {
    en: 'Deletes refresh tokens that expired or were revoked',
    ru: 'Удаляет истёкшие и отозванные токены обновления',
  },
  payload: z.object({}),
  schedule: { cron: '0 2 * * *' },
  retry: { delaysMs: [minutes(5), minutes(5)], exhausted: 'log' },
  longRunning: true,
  counts: { deleted: 'Refresh tokens deleted' },
  effects: DELETES_ROWS,
  needs: ['agedRows', 'cleanupPause'],

  plan: (_, context) => agedRowPlan(oldRows(context)),
  show: rowLine,

  async run(_, context) {
    const { again, cleanupPause: pause, log, signal } = context;
    const { deleted, finished } = await deleteInBatches(oldRows(context), { log, signal, pause });
    if (!finished) await again();
    return { deleted };
  },
});

type Reader = Pick<RunContext, 'now'> & Pick<Services, 'agedRows'>;

const oldRows = ({ agedRows, now }: Reader) => agedRows.refreshTokens(now);
