import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Storage } from '../../clients/storage/storage.ts';
import { hours, seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage } from '../../lib/errors.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import { exportFailed, exportReady } from '../../messages/bulk-export.ts';
import type { ExportRange } from '../../repositories/export-rows.ts';
import type { ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { BulkNotices } from '../bulk/notices.ts';
import { BulkProgress, type BulkProgressOptions, type BulkState } from '../bulk/progress.ts';
import { csv, csvExcel } from './csv.ts';
import { type ExportFormat, exportIdOf, exportName } from './export-files.ts';
import { json } from './json.ts';
import type { ExportLinks } from './links.ts';
import type { ExportSources, ExportType } from './sources.ts';
import type { ExportTable, RowGroup } from './table.ts';
import { xlsx } from './xlsx.ts';

export type DataExportsOptions = {
  sources: ExportSources;
  storage: Storage;
  links: ExportLinks;
  notices: BulkNotices;
  progress: BulkProgressOptions & { records: Pick<ProgressRecords, 'find'> };
  /** EXPORT_TTL_HOURS: the time for which a link opens the export. */
  ttlHours: number;
  clock(): Date;
};

export type ExportJob = HeldJob & {
  progressId: string;
  type: ExportType;
  range: ExportRange;
  format: ExportFormat;
  gzip: boolean;
  enqueuedAt: Date;
  replays: number;
};

export type ExportResult = { exportId: string; rows: number; bytes: number };

const WRITERS: Readonly<Record<ExportFormat, (table: ExportTable) => AsyncIterable<Uint8Array>>> = {
  csv,
  csv_excel: csvExcel,
  json,
  xlsx,
};

/** The time between two records of the progress. */
const SHOW_EVERY_MS = seconds(1);

/** Writes tables to export storage as they stream, and sends the admins a link. A file appears whole or not at all. */
export class DataExports {
  readonly #options: DataExportsOptions;

  constructor(options: DataExportsOptions) {
    this.#options = options;
  }

  /**
   * Runs an export. After a kill, the next run begins anew under the same name. After the end, another run changes neither the file nor
   * what was told of it.
   */
  async run(job: ExportJob, signal: AbortSignal): Promise<ExportResult> {
    const { clock, links, notices, sources, storage, ttlHours } = this.#options;
    const before = await this.#toldBefore(job, signal);
    if (before) return before;
    using progress = this.#progressOf(job);
    const { exportId, fileName } = namesOf(job);
    try {
      const table = await sources.open(job.type, job.range, { alive: job.alive, signal });
      const count = { rows: 0 };
      const content = WRITERS[job.format]({ ...table, groups: watched(table, count, progress, job) });
      const bytesOf = isGzipped(job) ? gzipped(content) : content;
      const { bytes } = await storage.put(fileName, bytesOf, signal, job.alive);
      const { rows } = count;
      await progress.show({ status: 'completed', ...counted(rows, rows) });
      const expiresAt = new Date(clock().getTime() + hours(ttlHours));
      await notices.tell(job, 'export_ready', (locale) =>
        exportReady(
          {
            ...job,
            exportId,
            rows,
            bytes,
            expiresAt,
            fileName,
            place: storage.place,
            link: links.to(exportId, expiresAt),
          },
          locale,
        ),
      );
      return { exportId, rows, bytes };
    } catch (error) {
      if (errorCode(signal.reason) !== 'cancelled') throw error;
      await progress.show({ status: 'cancelled', ...counted(0, 0) });
      throw signal.reason;
    }
  }

  /**
   * Tells the admins that there will be no file. One that an earlier run stored before it lost its job is removed: nobody was told of it, and
   * a file beside the word that there is none would lie for all its days. One that was told of stays.
   */
  async failed(job: ExportJob, error: Error, signal: AbortSignal): Promise<void> {
    using progress = this.#progressOf(job);
    const { notices, storage } = this.#options;
    if (!(await notices.wasTold(job, 'export_ready'))) {
      await job.confirmHeld();
      await storage.delete(namesOf(job).fileName, signal);
    }
    const reason = errorMessage(error);
    await progress.show({ status: 'failed', ...counted(0, 0), errors: [{ error: reason }] });
    await notices.tell(job, 'export_failed', (locale) => exportFailed({ ...job, reason }, locale));
  }

  /** The export of an earlier run that was told and lost its job afterwards; a file that is made anew would have other rows. */
  async #toldBefore(job: ExportJob, signal: AbortSignal): Promise<ExportResult | undefined> {
    const { notices, progress, storage } = this.#options;
    if (!(await notices.wasTold(job, 'export_ready'))) return undefined;
    const { exportId, fileName } = namesOf(job);
    const [file, shown] = await Promise.all([storage.stat(fileName, signal), progress.records.find(job.progressId)]);
    // The name of a progress record is the producer's, who may have given it twice.
    const isOfThis = shown?.status === 'completed' && Date.parse(shown.started_at) === job.enqueuedAt.getTime();
    if (!file || !isOfThis) return undefined;
    return { exportId, rows: shown.processed, bytes: file.bytes };
  }

  #progressOf({ alive, confirmHeld, enqueuedAt, progressId, type }: ExportJob): BulkProgress {
    return new BulkProgress(this.#options.progress, {
      alive,
      confirmHeld,
      id: progressId,
      operation: `export_${type}`,
      startedAt: enqueuedAt,
      events: { moved: 'bulk.progress', ended: 'bulk.completed' },
    });
  }
}

/**
 * Passes the rows on, counts them, and records the progress every second. A file gets its name once it has all rows, so they end only while
 * the run holds its job: after a freeze the file of another run may be there, and told.
 */
async function* watched(
  { estimate, groups }: ExportTable,
  count: { rows: number },
  progress: BulkProgress,
  { alive, confirmHeld }: HeldJob,
): AsyncGenerator<RowGroup> {
  let shownAt = 0;
  for await (const group of groups) {
    alive();
    yield group;
    count.rows += group.length;
    if (performance.now() - shownAt < SHOW_EVERY_MS) continue;
    shownAt = performance.now();
    // The planner's estimate may be too low. The progress must not be full before the end.
    await progress.show({ status: 'running', ...counted(count.rows, Math.max(estimate, count.rows + 1)) });
  }
  await confirmHeld();
}

const counted = (rows: number, total: number): Omit<BulkState, 'status'> => ({
  processed: rows,
  total,
  succeeded: rows,
  failed: 0,
  errors: [],
});

function namesOf(job: ExportJob): { exportId: string; fileName: string } {
  const exportId = exportIdOf(job.jobId);
  return { exportId, fileName: exportName(exportId, job.format, isGzipped(job)) };
}

/** A workbook is already compressed. */
const isGzipped = ({ format, gzip }: ExportJob): boolean => gzip && format !== 'xlsx';

/** Compresses content. Starts with the first read and stops with the reader. */
async function* gzipped(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* Readable.from(content).compose(createGzip());
}
