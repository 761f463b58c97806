import type { CopyText } from '../../repositories/copy-text.ts';

/**
 * What a cell's text is: `number` and `boolean` as JSON writes them, `money` as exact decimal text, `time` as ISO 8601 in UTC, `json` as
 * a JSON value, `text` as somebody wrote it.
 */
export type CellKind = 'text' | 'number' | 'money' | 'time' | 'boolean' | 'json';

export type ExportColumn = { readonly name: string; readonly kind: CellKind };

/** Cells in the order of the columns; null where there is no value. */
export type Cells = readonly (string | null)[];

/** Some rows, in order; from PostgreSQL as it copies them, as they need not be taken apart to be written on. */
export type RowGroup = readonly Cells[] | CopyText;

/** Rows that are never all in memory: they come in groups, because one by one costs more than the work on them. */
export type ExportTable = {
  readonly columns: readonly ExportColumn[];
  readonly groups: AsyncIterable<RowGroup>;
  /** About how many rows there are; for a progress bar. */
  readonly estimate: number;
};

/** A cell of these kinds is one of our own making, and never a formula. */
export const OUR_KINDS: ReadonlySet<CellKind> = new Set(['number', 'money', 'time', 'boolean']);

/**
 * What makes a spreadsheet take text for a formula (https://owasp.org/www-community/attacks/CSV_Injection), full-width forms, which
 * some spreadsheets fold, and what may stand before them unseen included.
 */
const FORMULA = /^[\s\p{Cf}\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

/** What most cells begin with, and no formula does; found much quicker than the opposite. */
const PLAIN_START = /^[A-Za-z0-9]/;

/** Whether a spreadsheet could run this text instead of showing it. */
export function looksLikeFormula(text: string, kind: CellKind): boolean {
  return !OUR_KINDS.has(kind) && !PLAIN_START.test(text) && FORMULA.test(text);
}
