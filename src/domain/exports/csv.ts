import { CopyRewriter, CopyText } from '../../repositories/copy-text.ts';
import { type CellKind, type Cells, type ExportTable, isMisreadNumber, looksLikeFormula, OUR_KINDS } from './table.ts';

const LINE_END = '\r\n';
const NEEDS_QUOTES = /[",\r\n]|^[ \t]|[ \t]$/;

/** Writes RFC 4180 in UTF-8 with a header line. Text that a spreadsheet would run as a formula gets an apostrophe before it. */
export async function* csv({ columns, groups }: Pick<ExportTable, 'columns' | 'groups'>): AsyncGenerator<Uint8Array> {
  const kinds = columns.map(({ kind }) => kind);
  const rowOf = (cells: Cells): string => row(cells, kinds, ',', field);
  const copied = new CopyRewriter({
    columns: kinds.map((kind, i) => {
      const before = i === 0 ? '' : ',';
      return { before, after: '', forNull: before, isOurs: OUR_KINDS.has(kind) };
    }),
    lineEnd: LINE_END,
    oddRow: rowOf,
  });
  yield Buffer.from(columns.map(({ name }) => name).join(',') + LINE_END);
  for await (const rows of groups)
    yield rows instanceof CopyText ? copied.rewrite(rows) : Buffer.from(rows.map(rowOf).join(''));
}

/** Without it Excel takes the bytes for its own code page (https://support.microsoft.com/office/8a935af5-3416-4edd-ba7e-3dfd2bc4a032). */
const BYTE_ORDER_MARK = '\ufeff';
const EXCEL_NEEDS_QUOTES = /[";\r\n]|^[ \t]|[ \t]$/;

/**
 * CSV as Excel opens it on its own where numbers have a decimal comma, as in Russian: marked as UTF-8, cells apart by semicolons, money
 * with a comma. Ids and text that Excel would read as a number or a date are written as `="…"`, the one form that it leaves alone.
 */
export async function* csvExcel({
  columns,
  groups,
}: Pick<ExportTable, 'columns' | 'groups'>): AsyncGenerator<Uint8Array> {
  const kinds = columns.map(({ kind }) => kind);
  const rowOf = (cells: Cells): string => row(cells, kinds, ';', excelField);
  yield Buffer.from(BYTE_ORDER_MARK + columns.map(({ name }) => name).join(';') + LINE_END);
  for await (const rows of groups) {
    let text = '';
    for (const cells of rows) text += rowOf(cells);
    yield Buffer.from(text);
  }
}

function row(
  cells: Cells,
  kinds: readonly CellKind[],
  separator: string,
  write: (cell: string | null, kind: CellKind) => string,
): string {
  let text = '';
  for (let i = 0; i < kinds.length; i += 1) text += (i === 0 ? '' : separator) + write(cells[i]!, kinds[i]!);
  return text + LINE_END;
}

function field(cell: string | null, kind: CellKind): string {
  if (cell === null) return '';
  return quoted(looksLikeFormula(cell, kind) ? `'${cell}` : cell, NEEDS_QUOTES);
}

function excelField(cell: string | null, kind: CellKind): string {
  if (cell === null) return '';
  if (kind === 'money') return cell.replace('.', ',');
  // Digits, signs of numbers and dates alone: nothing in it that a formula could run.
  if (isMisreadNumber(cell, kind)) return quoted(`="${cell}"`, EXCEL_NEEDS_QUOTES);
  return quoted(looksLikeFormula(cell, kind) ? `'${cell}` : cell, EXCEL_NEEDS_QUOTES);
}

/** Empty text is not the same as no value. */
const quoted = (text: string, needsQuotes: RegExp): string =>
  text === '' || needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
