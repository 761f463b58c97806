import { strFromU8, unzipSync } from 'fflate';

export type XlsxCell = { kind: 'text' | 'number' | 'boolean' | 'empty'; value: string; isQuoted: boolean };

/**
 * The cells of each sheet, including the header, in the order of the workbook. Reads only the subset of the format that our exports use.
 */
export function readXlsx(file: Uint8Array): XlsxCell[][][] {
  const parts = unzipSync(file);
  const part = (name: string): string => strFromU8(parts[name]!);
  const targets = new Map(
    [...part('xl/_rels/workbook.xml.rels').matchAll(/Id="([^"]+)"[^>]*Target="([^"]+)"/g)].map(([, id, to]) => [
      id,
      to,
    ]),
  );
  return [...part('xl/workbook.xml').matchAll(/<sheet [^>]*r:id="([^"]+)"/g)].map(([, id]) =>
    [...part(`xl/${targets.get(id)}`).matchAll(/<row r="(\d+)">(.*?)<\/row>/gs)].map(([, number, row], i) => {
      if (Number(number) !== i + 1) throw new Error(`row ${number} stands where row ${i + 1} should be`);
      return cellsOf(row!);
    }),
  );
}

/** Missing cells are empty. */
function cellsOf(row: string): XlsxCell[] {
  const cells: XlsxCell[] = [];
  for (const [, column, attributes, inner] of row.matchAll(/<c r="([A-Z])\d+"([^>]*)>(.*?)<\/c>/gs))
    cells[column!.charCodeAt(0) - 65] = cellOf(attributes!, inner!);
  return Array.from(cells, (cell) => cell ?? { kind: 'empty', value: '', isQuoted: false });
}

function cellOf(attributes: string, inner: string): XlsxCell {
  const value = decoded(inner.replaceAll(/<[^>]+>/g, ''));
  const kind = attributes.includes('t="inlineStr"') ? 'text' : attributes.includes('t="b"') ? 'boolean' : 'number';
  return { kind, value, isQuoted: attributes.includes('s="1"') };
}

const decoded = (xml: string): string =>
  xml
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll(/_x([\dA-F]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
