import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';

/** Removes this worker's keys in Redis that are past their time. It never touches keys of the backend, of the queues and of others. */
export default defineMassTask({
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
  effects: {
    remove: { en: 'remove the key', ru: 'удалить ключ' },
    trim: { en: 'remove its old entries', ru: 'удалить его старые записи' },
  },
  needs: ['staleKeys'],

  async *plan(_, { now, signal, staleKeys }) {
    for await (const { failed, scanned, stale } of staleKeys.find(now, signal))
      yield { steps: stale, counts: { scanned, failed } };
  },

  show: (stale) => ({
    effect: stale.does,
    subject: stale.key,
    ...(stale.does === 'trim' && { detail: `${stale.entries} entries` }),
  }),

  run: (_, { now, signal, staleKeys }) => staleKeys.sweep(now, signal),
});
