import { z } from 'zod';
import { deleteExports, type OldFile, oldExports, oldRemains } from '../../domain/exports/export-files.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import { hours, minutes } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';

/** Files listed together. */
const GROUP = 500;
/** Reasons of one storage that the log names. */
const REASONS = 5;

/** Removes exports past EXPORT_TTL_HOURS from every storage that ever had any. The audit archive is no export and stays. */
export default defineMassTask({
  name: 'cleanup_export_files',
  summary: {
    en: 'Removes exports past EXPORT_TTL_HOURS, and what interrupted ones left behind',
    ru: 'Удаляет выгрузки старше EXPORT_TTL_HOURS и остатки прерванных',
  },
  payload: z.object({}),
  schedule: { cron: '40 * * * *' },
  retry: { delaysMs: [minutes(5), minutes(5)], exhausted: 'log' },
  longRunning: true,
  counts: {
    deleted: 'Exports removed',
    unfinished: 'Half-written exports removed',
    bytes: 'Bytes freed',
    refused: 'Exports and lists of half-written ones that a storage refuses to remove or to show',
  },
  effects: {
    delete: { en: 'remove the export', ru: 'удалить выгрузку' },
    delete_unfinished: { en: 'remove what an interrupted export left', ru: 'удалить остатки прерванной выгрузки' },
  },
  needs: ['settings', 'storages'],

  async *plan(_, { now, settings, signal, storages }) {
    const before = new Date(now.getTime() - hours(settings.EXPORT_TTL_HOURS));
    for (const storage of storages) {
      for (const find of [oldExports, oldRemains])
        for await (const steps of inGroups<OldFile>(find(storage, before, signal), GROUP)) yield { steps };
    }
  },

  show: ({ does, file, storage }) => ({
    effect: does,
    subject: file.name,
    detail: `${storage.place}, ${file.modifiedAt.toISOString()}`,
  }),

  async run(_, { log, now, settings, signal, storages }) {
    const before = new Date(now.getTime() - hours(settings.EXPORT_TTL_HOURS));
    const total = { deleted: 0, unfinished: 0, bytes: 0, refused: 0 };
    for (const storage of storages) {
      const { bytes, deleted, refused, unfinished } = await deleteExports(storage, before, signal);
      for (const reason of refused.slice(0, REASONS))
        log.warn({ reason }, 'the storage refuses a part of the clean-up');
      total.refused += refused.length;
      total.deleted += deleted;
      total.unfinished += unfinished;
      total.bytes += bytes;
    }
    return total;
  },
});
