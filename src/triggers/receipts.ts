import type { Locale } from '../lib/locale.ts';
import type {
  KeptLine,
  KeptReceipt,
  KeptReceipts,
  LeftReason,
  ReceiptCounts,
} from '../repositories/history/receipts.ts';

type Words = Readonly<Record<Locale, string>>;

/** Receipts of mass acts, as doors see them. Without our schema it throws: `HistoryContext.missing` is asked first. */
export type ReceiptsContext = Pick<KeptReceipts, 'counts' | 'find' | 'lines' | 'list'> & {
  /** All lines, as a file for people. */
  csv(id: string): AsyncIterable<Uint8Array>;
  /** Has a job undo what still stands, or list that where it is a dry run. `already` where one waits or runs. */
  undo(asked: { id: string; dryRun: boolean; caller: string }): Promise<{ jobId: string; already: boolean }>;
  /** The effects that can be undone. */
  undoable: readonly string[];
  words: {
    /** Why an act was left alone. */
    left: Readonly<Record<LeftReason, Words>>;
    /** By effect: why it cannot be taken back. */
    final: Readonly<Record<string, Words>>;
  };
};

/** How many acts an undo would look at. */
export const openActs = (counts: readonly ReceiptCounts[], undoable: readonly string[]): number =>
  counts.reduce((sum, { acts, effect, undone }) => sum + (undoable.includes(effect) ? acts - undone : 0), 0);

/** A receipt as programs read it. */
export const receiptBody = ({ beganAt, endedAt, id, initiatedBy, jobId, lost, task }: KeptReceipt) => ({
  ...{ id, task, lost },
  job_id: jobId,
  initiated_by: initiatedBy,
  began_at: beganAt.toISOString(),
  ...(endedAt && { ended_at: endedAt.toISOString() }),
});

/** One act as programs read it. */
export const lineBody = ({ act, begunAt, detail, doneAt, effect, id, subject, undo, was }: KeptLine) => ({
  ...{ act, effect, subject, was },
  ...(id !== undefined && { panel_id: id }),
  ...(detail !== undefined && { detail }),
  at: (doneAt ?? begunAt).toISOString(),
  is_done: doneAt !== undefined,
  ...(undo && {
    undo: {
      state: undo.state,
      at: undo.at.toISOString(),
      job_id: undo.job,
      ...(undo.why && { reason: undo.why }),
    },
  }),
});
