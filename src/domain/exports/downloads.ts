import type { Readable } from 'node:stream';
import type { Storage } from '../../clients/storage/storage.ts';
import { hours } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { EXPORT_FORMATS, type ExportFormat, exportName } from './export-files.ts';
import type { ExportLinks } from './links.ts';

export type ExportDownloadsOptions = {
  /** Every storage that may hold exports. */
  storages: readonly Storage[];
  links: ExportLinks;
  /** EXPORT_TTL_HOURS: an older export is about to be deleted and is not served any more. */
  ttlHours: number;
  clock(): Date;
};

export type ExportDownload = {
  fileName: string;
  mediaType: string;
  bytes: number;
  /** Streams these bytes, both ends included. */
  read(from: number, to: number): Promise<Readable>;
};

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  csv_excel: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

/** A download has no time limit. The stream is destroyed with the client's connection. */
const NEVER = new AbortController().signal;

/** Opens finished exports for callers with a token or a signed link. */
export class ExportDownloads {
  readonly #options: ExportDownloadsOptions;

  constructor(options: ExportDownloadsOptions) {
    this.#options = options;
  }

  isSigned(exportId: string, query: Readonly<Record<string, unknown>>): boolean {
    return this.#options.links.isSigned(exportId, query);
  }

  /** Undefined where no export has this id, or none any more. The name depends on the format, so it looks for every possible one. */
  async open(exportId: string): Promise<ExportDownload | undefined> {
    const { clock, storages, ttlHours } = this.#options;
    const after = clock().getTime() - hours(ttlHours);
    for (const storage of storages) {
      const found = await Promise.all(
        candidates(exportId).map(async ({ mediaType, name }) => ({ mediaType, file: await storage.stat(name, NEVER) })),
      );
      for (const { file, mediaType } of found) {
        if (!file || file.modifiedAt.getTime() < after) continue;
        const { bytes, name: fileName } = file;
        return { fileName, mediaType, bytes, read: (from, to) => read(storage, fileName, from, to) };
      }
    }
    return undefined;
  }
}

const candidates = (exportId: string): { name: string; mediaType: string }[] =>
  EXPORT_FORMATS.filter((format) => format !== 'csv_excel').flatMap((format) => [
    { name: exportName(exportId, format), mediaType: MEDIA_TYPES[format] },
    { name: exportName(exportId, format, true), mediaType: 'application/gzip' },
  ]);

async function read(storage: Storage, name: string, start: number, end: number): Promise<Readable> {
  const content = await storage.open(name, NEVER, { start, end });
  if (!content) throw new TransientError('export_gone', `export ${name}: removed from ${storage.place} just now`);
  return content;
}
