import type { CopyText } from '../../repositories/copy-text.ts';

/**
 * The form of a cell's text: `number` and `boolean` as in JSON, `id` as a whole number that names something and is never added up, `money` as
 * exact decimal text, `time` as ISO 8601 in UTC, `json` as a JSON value, `text` as people wrote it.
 */
export type CellKind = 'text' | 'number' | 'id' | 'money' | 'time' | 'boolean' | 'json';

export type ExportColumn = { readonly name: string; readonly kind: CellKind };

/** Cells in the order of the columns; null where there is no value. */
export type Cells = readonly (string | null)[];

/** Rows in order. Rows from PostgreSQL stay in COPY's format, because most are written without being split into cells. */
export type RowGroup = readonly Cells[] | CopyText;

/** A table that is never wholly in memory. Rows come in groups, because passing them one by one costs more than the work on them. */
export type ExportTable = {
  readonly columns: readonly ExportColumn[];
  readonly groups: AsyncIterable<RowGroup>;
  /** The approximate number of rows, for a progress bar. */
  readonly estimate: number;
};

/** The worker itself writes the text of these kinds, so it is never a formula. */
export const OUR_KINDS: ReadonlySet<CellKind> = new Set(['number', 'id', 'money', 'time', 'boolean']);

/**
 * Text that a spreadsheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection). It includes full-width signs, which
 * some spreadsheets fold, and invisible characters before the sign.
 */
const FORMULA = /^[\s\p{Cf}\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

/** The characters that most cells and no formulas begin with. This test is much faster than the one for formulas. */
const PLAIN_START = /^[A-Za-z0-9]/;

/** Whether a spreadsheet could run this text instead of showing it. */
export function looksLikeFormula(text: string, kind: CellKind): boolean {
  return !OUR_KINDS.has(kind) && !PLAIN_START.test(text) && FORMULA.test(text);
}

/** A spreadsheet keeps 15 digits of a number (https://learn.microsoft.com/office/troubleshoot/excel/long-numbers-incorrectly-in-excel). */
const KEPT_DIGITS = 15;

/** Text that a spreadsheet may take for a number, a date or a time: digits with what stands between them there, and an exponent. */
const NUMBER_LIKE = /^\d[\d .,:/%\u00a0-]*(?:[eE][+-]?\d+)?$/;
/** As it stands it is the same as the number: no digit is lost, no zero goes, and it is no date. */
const PLAIN_NUMBER = /^(?:0|[1-9]\d{0,14})$/;

/** Whether a spreadsheet would show something else than what the cell holds, because it reads it as a number or a date. */
export function isMisreadNumber(text: string, kind: CellKind): boolean {
  if (kind === 'number') return text.replace(/\D/g, '').length > KEPT_DIGITS;
  if (kind === 'id') return !PLAIN_NUMBER.test(text);
  return kind === 'text' && NUMBER_LIKE.test(text) && !PLAIN_NUMBER.test(text);
}
