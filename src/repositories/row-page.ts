import { type ItemKind, type Listing, type OnRead, readEach } from '../lib/read-each.ts';

/** Rows of a table by id, read one by one. The next page begins after `lastId`, also where that row could not be read. */
export type RowPage<T> = Listing<T> & {
  /** Undefined where there was no row. */
  lastId: string | undefined;
  /** Whether there may be more. */
  isFull: boolean;
};

/** Reads the rows of a statement that asked for at most `limit`. */
export function rowPage<T>(
  rows: readonly { id: string }[],
  limit: number,
  kind: ItemKind<T>,
  onRead: OnRead | undefined,
): RowPage<T> {
  return { ...readEach(rows, kind, onRead), lastId: rows.at(-1)?.id, isFull: rows.length === limit };
}
