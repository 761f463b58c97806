import { CopyRewriter, CopyText } from '../../repositories/copy-text.ts';
import { type CellKind, type Cells, type ExportTable, looksLikeFormula, OUR_KINDS } from './table.ts';

const LINE_END = '\r\n';
const NEEDS_QUOTES = /[",\r\n]|^[ \t]|[ \t]$/;

/** Writes RFC 4180 in UTF-8 with a header line. Text that a spreadsheet would run as a formula gets an apostrophe before it. */
export async function* csv({ columns, groups }: Pick<ExportTable, 'columns' | 'groups'>): AsyncGenerator<Uint8Array> {
  const kinds = columns.map(({ kind }) => kind);
  const rowOf = (cells: Cells): string => row(cells, kinds);
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

function row(cells: Cells, kinds: readonly CellKind[]): string {
  let text = '';
  for (let i = 0; i < kinds.length; i += 1) text += (i === 0 ? '' : ',') + field(cells[i]!, kinds[i]!);
  return text + LINE_END;
}

function field(cell: string | null, kind: CellKind): string {
  if (cell === null) return '';
  const shown = looksLikeFormula(cell, kind) ? `'${cell}` : cell;
  // Empty text is quoted, to tell it from a null.
  return shown === '' || NEEDS_QUOTES.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
