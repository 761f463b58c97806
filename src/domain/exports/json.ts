import { isPlain } from '../../lib/copy-text.ts';
import { type CellKind, cellsOf, type ExportTable } from './table.ts';

/** One JSON array of objects, a line for each. */
export async function* json({ columns, groups }: Pick<ExportTable, 'columns' | 'groups'>): AsyncGenerator<Uint8Array> {
  const names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  const kinds = columns.map(({ kind }) => kind);
  let before = '[\n';
  for await (const rows of groups) {
    let text = '';
    for (const row of rows) {
      text += `${before}{`;
      const isSafe = typeof row === 'string' && isPlain(row);
      const cells = cellsOf(row);
      for (let i = 0; i < names.length; i += 1)
        text += (i === 0 ? '' : ',') + names[i]! + value(cells[i]!, kinds[i]!, isSafe);
      text += '}';
      before = ',\n';
    }
    yield Buffer.from(text);
  }
  yield Buffer.from(before === '[\n' ? '[]\n' : '\n]\n');
}

/** `isSafe`: there is nothing to escape. */
function value(cell: string | null, kind: CellKind, isSafe: boolean): string {
  if (cell === null) return 'null';
  // These are JSON already, as they came.
  if (kind === 'number' || kind === 'boolean' || kind === 'json') return cell;
  // Digits and signs alone: nothing to escape.
  return isSafe || kind === 'money' || kind === 'time' ? `"${cell}"` : JSON.stringify(cell);
}
