import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Removes this worker's keys in Redis that are past their time. It never touches keys of the backend, of the queues and of others. */
export default defineTask({
  name: 'invalidate_stale_cache',
  summary: {
    en: 'Removes statistics, histories and cache entries in Redis that are past their time',
    ru: 'Удаляет из Redis просроченные статистику, истории и кеш',
  },
  aliases: ['cleanup_cache'],
  payload: z.object({}),
  schedule: { cron: '0 4 * * *' },
  retry: { delaysMs: [minutes(5), minutes(5)], exhausted: 'log' },
  counts: {
    scanned: 'Keys under our prefix looked at',
    removed: 'Keys removed',
    trimmed: 'Entries of histories removed',
    failed: 'Keys left because they hold something else than expected',
  },
  needs: ['staleKeys'],

  run: (_, { now, signal, staleKeys }) => staleKeys.sweep(now, signal),
});
