import type { Database } from '../../repositories/database.ts';
import type { OwnSchemaState } from '../../repositories/history/own-schema.ts';
import { ReceiptRows } from '../../repositories/history/receipt-rows.ts';
import { KeptReceipts } from '../../repositories/history/receipts.ts';
import type { Foundation } from '../foundation.ts';
import { Receipts } from './receipts.ts';

export type ReceiptParts = {
  /** A pool of its own: a receipt that is slow holds no connection that a task waits for. */
  historyDatabase: Database;
  keptDays: number;
  historyState(): Promise<OwnSchemaState>;
};

/** Builds what notes mass acts, where our own schema is installed. */
export function composeReceipts(
  { clock, log, metrics }: Foundation,
  { historyDatabase, historyState, keptDays }: ReceiptParts,
) {
  return {
    services: {
      receipts: new Receipts({
        ...{ keptDays, log, look: historyState },
        rows: new ReceiptRows(historyDatabase),
        clock: () => clock.now(),
        onDropped: (lines) => metrics.outputDropped('history', lines),
      }),
    },
    /** Reads them, and says which acts of theirs are undone. */
    keptReceipts: new KeptReceipts(historyDatabase),
  };
}
