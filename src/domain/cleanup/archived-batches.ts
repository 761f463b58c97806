import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Storage } from '../../clients/storage/storage.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { HeapWalk, RowVersion } from '../../repositories/heap-walk.ts';
import type { Batches } from './batch-delete.ts';

/** The archive lies beside the exports, and is never cleaned up with them. */
const FOLDER = 'audit-logs';

/**
 * Deletes audit logs only after they are stored. Each batch becomes one object of gzip JSON lines; each line is a whole row with every
 * column of the table. Nothing is locked while a batch is stored; a row that was changed meanwhile stays and is archived again.
 * A worker that dies in between leaves a batch in both places. The next run writes the same batch under the same name. Where the batches
 * have shifted, two objects contain some rows with the same `id`: a reader may see a row twice, but misses none.
 */
export class ArchivedBatches implements Batches {
  readonly #walk: HeapWalk;
  readonly #auditLogs: AuditLogs;
  readonly #storage: Storage;
  readonly #signal: AbortSignal;
  /** Objects written so far. */
  archives = 0;

  constructor(walk: HeapWalk, auditLogs: AuditLogs, storage: Storage, signal: AbortSignal) {
    this.#walk = walk;
    this.#auditLogs = auditLogs;
    this.#storage = storage;
    this.#signal = signal;
  }

  async deleteNext(limit: number): Promise<{ deleted: number; done: boolean; tookMs: number }> {
    const { done, rows } = await this.#walk.pickNext(limit);
    if (rows.length === 0) return { deleted: 0, done, tookMs: 0 };
    await this.#storage.put(archiveName(rows), this.#content(rows), this.#signal);
    this.archives += 1;
    const startedAt = performance.now();
    const deleted = await this.#auditLogs.deleteUnchanged(rows);
    return { deleted, done, tookMs: performance.now() - startedAt };
  }

  /** Reads nothing before its reader asks for it, and stops when the reader does. */
  async *#content(rows: readonly RowVersion[]): AsyncGenerator<Uint8Array> {
    yield* Readable.from(this.#auditLogs.archiveLines(rows.map(({ id }) => id))).compose(createGzip());
  }
}

/** `audit-logs/<oldest>_<newest>_<fingerprint of the rows>.jsonl.gz`: can be found by date, and is the same for the same rows. */
function archiveName(rows: readonly RowVersion[]): string {
  const times = rows.map(({ createdAt }) => createdAt.getTime());
  const fingerprint = createHash('sha256').update(
    rows
      .map(({ id, version }) => `${id}:${version}`)
      .sort()
      .join(),
  );
  return `${FOLDER}/${stamp(Math.min(...times))}_${stamp(Math.max(...times))}_${fingerprint.digest('hex').slice(0, 16)}.jsonl.gz`;
}

/** `20260131T235959Z`: sorts by time, and every file system accepts its characters. */
const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
