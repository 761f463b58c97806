import { z } from 'zod';
import { ProgressId } from '../../domain/bulk/progress.ts';
import type { ExportJob } from '../../domain/exports/data-exports.ts';
import { EXPORT_FORMATS } from '../../domain/exports/export-files.ts';
import { DateRange, rangeOf } from '../../domain/exports/range.ts';
import { EXPORT_TYPES } from '../../domain/exports/sources.ts';
import { defineTask, type RunContext } from '../../runtime/define-task.ts';

const payload = z.object({
  export_type: z.enum(EXPORT_TYPES),
  date_range: DateRange.nullish().describe(
    'By creation: from the first on, before the second, a plain day included whole; servers are always given as they are now',
  ),
  format: z
    .enum(EXPORT_FORMATS)
    .default('csv')
    .describe(
      'csv for programs (RFC 4180); csv_excel opens by itself in an Excel with a decimal comma, as in Russian: semicolons, marked as UTF-8, ids as text; json; xlsx. What somebody wrote is never a formula',
    ),
  gzip: z.boolean().default(false).describe('For csv, csv_excel and json; xlsx is compressed already'),
  job_id: ProgressId,
});

/** Writes a table to export storage and sends the admins a link that expires. A run that is killed half-way leaves no broken file. */
export default defineTask({
  name: 'generate_data_export',
  summary: {
    en: 'Exports users, payments, servers or the audit log as csv, csv_excel, json or xlsx and sends a link',
    ru: 'Выгружает пользователей, платежи, узлы или журнал действий в csv, csv_excel, json или xlsx и присылает ссылку',
  },
  aliases: ['bulk_export'],
  payload,
  args: ['export_type', 'date_range', 'format', 'gzip', 'job_id'],
  retry: {
    delaysMs: [],
    exhausted: 'log',
    onExhausted: (given, context, error) => context.dataExports.failed(jobOf(given, context), error, context.signal),
  },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  counts: { rows: 'Rows written', bytes: 'Bytes stored' },
  needs: ['dataExports'],

  async run(given, context) {
    const { bytes, exportId, rows } = await context.dataExports.run(jobOf(given, context), context.signal);
    return { rows, bytes, export_id: exportId };
  },
});

function jobOf(
  given: z.output<typeof payload>,
  { alive, confirmHeld, enqueuedAt, jobId, replays }: RunContext,
): ExportJob {
  return {
    alive,
    confirmHeld,
    jobId,
    progressId: given.job_id ?? jobId,
    type: given.export_type,
    range: rangeOf(given.date_range),
    format: given.format,
    gzip: given.gzip,
    enqueuedAt,
    replays,
  };
}
