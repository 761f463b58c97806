import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../../lib/duration.ts';
import type { Log } from '../../observability/log.ts';

/** Rows to delete, batch by batch; see `HeapWalk`. */
export type Batches = {
  /** `tookMs`: how long the database was busy with it. */
  deleteNext(limit: number): Promise<{ deleted: number; done: boolean; tookMs: number }>;
};

/** Waits between two batches; rejects at once when the signal fires. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const pause: Pause = (ms, signal) => delay(ms, undefined, { signal });

/** Rows per transaction: `tasks.md` §6. */
const BATCH_ROWS = 1_000;

/** A batch that takes longer than this holds its rows too long: the next one is made smaller. */
const BATCH_MS = 100;

/**
 * After each batch, so many times as long as it took, within these bounds. After a full one fewer than one statement of others in a hundred
 * meets the next, so that their p99 is what it is without (`bench/cleanup.ts`): a million rows take some minutes, at night. After one
 * that found nothing it only read, and much of a large table is like that.
 */
const PAUSE = { whenEmpty: 2, whenFull: 150, minMs: 2, maxMs: seconds(5) };

/** Below the default time limit of a task, so that long work is handed over and not cut. */
const RUN_MS = minutes(4);

/**
 * Deletes until nothing is left, with a long pause after every batch: nearly all of the time is left to others.
 * `finished` is false when the run got long; another one then goes on. When the signal fires, the batches done so far stay done.
 */
export async function deleteInBatches(
  batches: Batches,
  options: {
    log: Log;
    signal: AbortSignal;
    pause: Pause;
    runMs?: number;
    /** Where a row may be slow to delete: the first batch finds out with fewer. */
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

/** Proportionally smaller after a slow batch, at most twice as large after a quick one. */
export function nextLimit(limit: number, tookMs: number): number {
  const fitting = Math.floor(limit * Math.min(2, BATCH_MS / Math.max(tookMs, 1)));
  return Math.min(BATCH_ROWS, Math.max(1, fitting));
}

/** `fullness`: the rows that were deleted as a share of those that could have been. */
export function pauseAfter(tookMs: number, fullness: number): number {
  const times = PAUSE.whenEmpty + (PAUSE.whenFull - PAUSE.whenEmpty) * fullness;
  return Math.min(PAUSE.maxMs, Math.max(PAUSE.minMs, tookMs * times));
}
