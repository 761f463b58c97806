import { z } from 'zod';
import { deleteInBatches } from '../../domain/cleanup/batch-delete.ts';
import { minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Deletes refresh tokens that nobody can use any more. The next run continues one that was stopped or got long. */
export default defineTask({
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
  needs: ['agedRows', 'cleanupPause'],

  async run(_, { again, agedRows, cleanupPause: pause, log, now, signal }) {
    const { deleted, finished } = await deleteInBatches(agedRows.refreshTokens(now), { log, signal, pause });
    if (!finished) await again();
    return { deleted };
  },
});
