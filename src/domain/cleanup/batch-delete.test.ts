import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seconds } from '../../lib/duration.ts';
import { openLog } from '../../observability/log.ts';
import { type Batches, deleteInBatches, nextLimit, type Pause, pause, pauseAfter } from './batch-delete.ts';

const log = openLog({ level: 'ERROR', base: {}, secrets: [] });
const { signal } = new AbortController();
const noPause: Pause = async () => undefined;

/** A table with this many rows, which records the limit of each call. */
function table(rows: number, tookMs = 0): Batches & { left: number; limits: number[] } {
  return {
    left: rows,
    limits: [],
    async deleteNext(limit) {
      this.limits.push(limit);
      const deleted = Math.min(limit, this.left);
      this.left -= deleted;
      return { deleted, done: this.left === 0, tookMs };
    },
  };
}

describe('deleting in batches', () => {
  test('goes on until nothing is left, 1000 at a time', async () => {
    const rows = table(2_500);
    expect(await deleteInBatches(rows, { log, signal, pause: noPause })).toEqual({ deleted: 2_500, finished: true });
    expect(rows.limits).toEqual([1_000, 1_000, 1_000]);
  });

  test('of nothing is done at once', async () => {
    expect(await deleteInBatches(table(0), { log, signal, pause: noPause })).toEqual({ deleted: 0, finished: true });
  });

  test('hands over where a run gets long', async () => {
    const rows = table(5_000);
    expect(await deleteInBatches(rows, { log, signal, pause: noPause, runMs: 0 })).toEqual({
      deleted: 1_000,
      finished: false,
    });
    expect(rows.left).toBe(4_000);
  });

  test('stops between two batches when its signal fires', async () => {
    const controller = new AbortController();
    const rows = table(5_000);
    const source: Batches = {
      async deleteNext(limit) {
        const batch = await rows.deleteNext(limit);
        if (rows.left === 3_000) controller.abort(new Error('shutdown'));
        return batch;
      },
    };
    await expect(deleteInBatches(source, { log, signal: controller.signal, pause })).rejects.toThrow();
    expect(rows.left).toBe(3_000);
  });

  test('pauses after each batch but the last, by how long it took', async () => {
    const pauses: number[] = [];
    const rows = table(2_500, 20);
    await deleteInBatches(rows, { log, signal, pause: async (ms) => void pauses.push(ms) });
    expect(pauses).toEqual([3_000, 3_000]);
  });

  test('a pause ends at once when the signal fires', async () => {
    const controller = new AbortController();
    const pausing = pause(seconds(3_600), controller.signal);
    controller.abort(new Error('shutdown'));
    await expect(pausing).rejects.toThrow();
    await expect(pause(seconds(3_600), controller.signal)).rejects.toThrow();
  });

  test('makes batches smaller while they are slow, and large again', async () => {
    expect(nextLimit(1_000, 20)).toBe(1_000);
    expect(nextLimit(1_000, 1_000)).toBe(100);
    expect(nextLimit(100, 10)).toBe(200);
    const slow = table(1_500, 200);
    await deleteInBatches(slow, { log, signal, pause: noPause });
    expect(slow.limits).toEqual([1_000, 500]);
  });

  test('where rows are slow to delete, it finds out with a few and stays with as many as fit', async () => {
    const limits: number[] = [];
    let left = 200;
    const slow: Batches = {
      async deleteNext(limit) {
        limits.push(limit);
        left -= Math.min(limit, left);
        return { deleted: Math.min(limit, left), done: left === 0, tookMs: limit * 2.5 };
      },
    };
    await deleteInBatches(slow, { log, signal, pause: noPause, firstBatchRows: 20 });
    expect(limits.slice(0, 4)).toEqual([20, 40, 40, 40]);
  });

  test('a batch has between 1 and 1000 rows, and a pause lasts 150 times as long as a full batch, twice as long as one that found nothing, at most 5 s', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1e6, noNaN: true }), (limit, tookMs) => {
        const next = nextLimit(limit, tookMs);
        expect(Number.isInteger(next) && next >= 1 && next <= 1_000).toBe(true);
        for (const fullness of [0, 0.5, 1]) {
          expect(pauseAfter(tookMs, fullness)).toBeGreaterThanOrEqual(2);
          expect(pauseAfter(tookMs, fullness)).toBeLessThanOrEqual(5_000);
        }
        if (tookMs >= 1 && tookMs <= 30) {
          expect(pauseAfter(tookMs, 0)).toBe(tookMs * 2);
          expect(pauseAfter(tookMs, 1)).toBe(tookMs * 150);
        }
      }),
    );
  });
});
