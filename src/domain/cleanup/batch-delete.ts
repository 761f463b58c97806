import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../../lib/duration.ts';
import type { Log } from '../../observability/log.ts';

/** Rows to delete, batch by batch; see `HeapWalk`. */
export type Batches = {
  /** `tookMs`: how long the database worked on it. */
  deleteNext(limit: number): Promise<{ deleted: number; done: boolean; tookMs: number }>;
};

/** Waits between two batches; rejects at once when the signal fires. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const pause: Pause = (ms, signal) => delay(ms, undefined, { signal });

/** The most rows in one transaction, so that it holds its locks only for a moment. */
const BATCH_ROWS = 1_000;

/** A batch that takes longer than this holds its rows too long, and makes the next one smaller. */
const BATCH_MS = 100;

/**
 * The pause after a batch, as a multiple of the time that it took, within these bounds. After a full batch fewer than one in a hundred
 * statements of others meets the next batch, so their p99 does not change (`bench/cleanup.ts`); a million rows take some minutes, at night.
 * A batch that deleted nothing has only read, and most batches of a large table are like that.
 */
const PAUSE = { whenEmpty: 2, whenFull: 150, minMs: 2, maxMs: seconds(5) };

/** Below the default time limit of a task, so that long work is handed over and not cut off. */
const RUN_MS = minutes(4);

/**
 * Deletes until no row is left. A long pause after every batch leaves nearly all of the time to others. `finished` is false when the run
 * got long; another run then continues. When the signal fires, the finished batches stay deleted.
 */
export async function deleteInBatches(
  batches: Batches,
  options: {
    log: Log;
    signal: AbortSignal;
    pause: Pause;
    runMs?: number;
    /** For rows that may be slow to delete: the first batch measures that with fewer. */
    firstBatchRows?: number;
  },
): Promise<{ deleted: number; finished: boolean }> {
  const { firstBatchRows = BATCH_ROWS, log, pause, runMs = RUN_MS, signal } = options;
  const endsAt = performance.now() + runMs;
  let deleted = 0;
  let limit = firstBatchRows;
  try {
    for (;;) {
      signal.throwIfAborted();
      const batch = await batches.deleteNext(limit);
      deleted += batch.deleted;
      if (batch.done) return { deleted, finished: true };
      if (performance.now() > endsAt) return { deleted, finished: false };
      const pauseMs = pauseAfter(batch.tookMs, batch.deleted / limit);
      limit = nextLimit(limit, batch.tookMs);
      await pause(pauseMs, signal);
    }
  } catch (error) {
    if (deleted > 0) log.warn({ deleted }, 'clean-up stopped half-way, the next run goes on');
    throw error;
  }
}

/** The size of the next batch: proportionally smaller after a slow batch, at most twice as large after a quick one. */
export function nextLimit(limit: number, tookMs: number): number {
  const fitting = Math.floor(limit * Math.min(2, BATCH_MS / Math.max(tookMs, 1)));
  return Math.min(BATCH_ROWS, Math.max(1, fitting));
}

/** `fullness`: the deleted rows as a share of the batch's limit. */
export function pauseAfter(tookMs: number, fullness: number): number {
  const times = PAUSE.whenEmpty + (PAUSE.whenFull - PAUSE.whenEmpty) * fullness;
  return Math.min(PAUSE.maxMs, Math.max(PAUSE.minMs, tookMs * times));
}
