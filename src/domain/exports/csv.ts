import { CopyText, isPlain, rewritten } from '../../lib/copy-text.ts';
import { type CellKind, cellsOf, type ExportTable, looksLikeFormula, type Row } from './table.ts';

const SIGNS = { betweenCells: ',', betweenLines: '\r\n', forNull: '' };
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/** RFC 4180 in UTF-8 with a header line. What a spreadsheet would run as a formula gets an apostrophe before it. */
export async function* csv({ columns, groups }: Pick<ExportTable, 'columns' | 'groups'>): AsyncGenerator<Uint8Array> {
  const kinds = columns.map(({ kind }) => kind);
  yield Buffer.from(`${columns.map(({ name }) => name).join(',')}\r\n`);
  for await (const rows of groups) {
    if (rows instanceof CopyText && isPlain(rows.text)) {
      yield Buffer.from(`${rewritten(rows.text, SIGNS)}\r\n`);
      continue;
    }
    let text = '';
    for (const row of rows)
      text += `${typeof row === 'string' && isPlain(row) ? rewritten(row, SIGNS) : fields(row, kinds)}\r\n`;
    yield Buffer.from(text);
  }
}

function fields(row: Row, kinds: readonly CellKind[]): string {
  const cells = cellsOf(row);
  let text = '';
  for (let i = 0; i < kinds.length; i += 1) text += (i === 0 ? '' : ',') + field(cells[i]!, kinds[i]!);
  return text;
}

function field(cell: string | null, kind: CellKind): string {
  if (cell === null) return '';
  const shown = looksLikeFormula(cell, kind) ? `'${cell}` : cell;
  // Empty text is not the same as no value.
  return shown === '' || NEEDS_QUOTES.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
