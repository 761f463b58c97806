import { CopyRewriter, CopyText } from '../../repositories/copy-text.ts';
import { type CellKind, type Cells, type ExportTable, OUR_KINDS } from './table.ts';

/** The cells of these kinds are already JSON. */
const JSON_KINDS: ReadonlySet<CellKind> = new Set(['number', 'id', 'boolean', 'json']);

/** Writes one JSON array of objects, one object per line. */
export async function* json({ columns, groups }: Pick<ExportTable, 'columns' | 'groups'>): AsyncGenerator<Uint8Array> {
  const keys = columns.map(({ name }, i) => `${i === 0 ? ',\n{' : ','}${JSON.stringify(name)}:`);
  const kinds = columns.map(({ kind }) => kind);
  const rowOf = (cells: Cells): string => `${keys.map((key, i) => key + value(cells[i]!, kinds[i]!)).join('')}}`;
  const copied = new CopyRewriter({
    columns: kinds.map((kind, i) => {
      const quote = JSON_KINDS.has(kind) ? '' : '"';
      return { before: keys[i]! + quote, after: quote, forNull: `${keys[i]!}null`, isOurs: OUR_KINDS.has(kind) };
    }),
    lineEnd: '}',
    oddRow: rowOf,
  });
  let isFirst = true;
  for await (const rows of groups) {
    const text = rows instanceof CopyText ? copied.rewrite(rows) : Buffer.from(rows.map(rowOf).join(''));
    if (text.length === 0) continue;
    // Each row except the first begins with a comma.
    if (isFirst) text[0] = '['.charCodeAt(0);
    isFirst = false;
    yield text;
  }
  yield Buffer.from(isFirst ? '[]\n' : '\n]\n');
}

function value(cell: string | null, kind: CellKind): string {
  if (cell === null) return 'null';
  return JSON_KINDS.has(kind) ? cell : JSON.stringify(cell);
}
