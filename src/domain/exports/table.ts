import { type CopyText, cellsOf as copiedCells } from '../../lib/copy-text.ts';

/**
 * What a cell's text is: `number` and `boolean` as JSON writes them, `money` as exact decimal text, `time` as ISO 8601 in UTC, `json` as
 * a JSON value, `text` as somebody wrote it.
 */
export type CellKind = 'text' | 'number' | 'money' | 'time' | 'boolean' | 'json';

export type Column = { readonly name: string; readonly kind: CellKind };

/** Cells in the order of the columns; null where there is no value. */
export type Cells = readonly (string | null)[];

/** A row by its cells, or as a line of PostgreSQL's COPY, which most often need not be taken apart. */
export type Row = Cells | string;

/** Some rows, in order. */
export type RowGroup = readonly Row[] | CopyText;

export const cellsOf = (row: Row): Cells => (typeof row === 'string' ? copiedCells(row) : row);

/** Rows that are never all in memory: they come in groups, because one by one costs more than the work on them. */
export type ExportTable = {
  readonly columns: readonly Column[];
  readonly groups: AsyncIterable<RowGroup>;
  /** About how many rows there are; for a progress bar. */
  readonly estimate: number;
};

/** A cell of these kinds is one of our own making, and never a formula. */
const SAFE_KINDS: ReadonlySet<CellKind> = new Set(['number', 'money', 'time', 'boolean']);

/**
 * What makes a spreadsheet take text for a formula (https://owasp.org/www-community/attacks/CSV_Injection), full-width forms, which
 * some spreadsheets fold, and what may stand before them unseen included.
 */
const FORMULA = /^[\s\p{Cf}\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

/** What most cells begin with, and no formula does; found much quicker than the opposite. */
const PLAIN_START = /^[A-Za-z0-9]/;

/** Whether a spreadsheet could run this text instead of showing it. */
export function looksLikeFormula(text: string, kind: CellKind): boolean {
  return !SAFE_KINDS.has(kind) && !PLAIN_START.test(text) && FORMULA.test(text);
}
