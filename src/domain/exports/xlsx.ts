import { Zip, ZipDeflate } from 'fflate';
import { type CellKind, type ExportColumn, type ExportTable, isMisreadNumber, looksLikeFormula } from './table.ts';
import {
  cellText,
  columnLetters,
  contentTypes,
  rootRelations,
  sheetEnd,
  sheetStart,
  styles,
  workbook,
  workbookRelations,
} from './xlsx-parts.ts';

/**
 * The largest number of rows in a sheet, including the header (https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3).
 */
const SHEET_ROWS = 1_048_576;

/** The fastest level: a spreadsheet's XML shrinks to a tenth even so. */
const LEVEL = 1;

/**
 * Writes a workbook of Office Open XML (ECMA-376) as a stream, with one group of rows in memory. Rows beyond the limit of a sheet continue
 * in the next. Text is never a formula, not even after a cell was edited.
 */
export async function* xlsx(
  { columns, groups }: Pick<ExportTable, 'columns' | 'groups'>,
  sheetRows = SHEET_ROWS,
): AsyncGenerator<Uint8Array> {
  const book = new Book();
  const header = headerOf(columns);
  const places = columns.map(({ kind }, i) => ({ kind, letters: columnLetters(i) }));
  book.begin(header);
  let inSheet = 1;
  for await (const rows of groups) {
    let xml = '';
    for (const cells of rows) {
      if (inSheet === sheetRows) {
        book.write(xml);
        book.begin(header);
        xml = '';
        inSheet = 1;
      }
      inSheet += 1;
      const at = inSheet;
      xml += rowAt(at, places.map(({ kind, letters }, i) => cellOf(cells[i]!, kind, `${letters}${at}`)).join(''));
    }
    book.write(xml);
    yield* book.written();
  }
  book.finish();
  yield* book.written();
}

/** The ZIP of a workbook: its sheets one after the other, then the parts that list them, once their number is known. */
class Book {
  readonly #chunks: Uint8Array[] = [];
  readonly #zip = new Zip((error, chunk) => {
    if (error) throw error;
    this.#chunks.push(chunk);
  });
  #sheet: ZipDeflate | undefined;
  #sheets = 0;

  begin(header: string): void {
    this.#end();
    this.#sheets += 1;
    this.#sheet = this.#open(`xl/worksheets/sheet${this.#sheets}.xml`);
    this.write(sheetStart + header);
  }

  write(xml: string): void {
    this.#sheet!.push(Buffer.from(xml));
  }

  finish(): void {
    this.#end();
    this.#part('xl/styles.xml', styles);
    this.#part('xl/workbook.xml', workbook(this.#sheets));
    this.#part('xl/_rels/workbook.xml.rels', workbookRelations(this.#sheets));
    this.#part('_rels/.rels', rootRelations);
    this.#part('[Content_Types].xml', contentTypes(this.#sheets));
    this.#zip.end();
  }

  /** The bytes that are ready since the last call. */
  written(): Uint8Array[] {
    return this.#chunks.splice(0);
  }

  #end(): void {
    this.#sheet?.push(Buffer.from(sheetEnd), true);
    this.#sheet = undefined;
  }

  #part(name: string, xml: string): void {
    this.#open(name).push(Buffer.from(xml), true);
  }

  #open(name: string): ZipDeflate {
    const file = new ZipDeflate(name, { level: LEVEL });
    this.#zip.add(file);
    return file;
  }
}

/** Styles of `styles`: 1 keeps text from ever becoming a formula or a number, 2 is bold. */
const textCell = (at: string, content: string, style: 0 | 1 | 2): string =>
  `<c r="${at}" t="inlineStr"${style === 0 ? '' : ` s="${style}"`}><is><t xml:space="preserve">${cellText(content)}</t></is></c>`;

/** Rows and cells state their position. The standard makes that optional, but many readers need it. */
const rowAt = (row: number, cells: string): string => `<row r="${row}">${cells}</row>`;

const headerOf = (columns: readonly ExportColumn[]): string =>
  rowAt(1, columns.map(({ name }, i) => textCell(`${columnLetters(i)}1`, name, 2)).join(''));

/** What stays text also after somebody has edited the cell: formulas, ids, and what reads like a number. */
const keepsItsText = (cell: string, kind: CellKind): boolean =>
  kind === 'id' || isMisreadNumber(cell, kind) || looksLikeFormula(cell, kind);

function cellOf(cell: string | null, kind: CellKind, at: string): string {
  if (cell === null) return '';
  // A cell keeps 15 digits of a number; as text it keeps all of them.
  if (kind === 'number' && !isMisreadNumber(cell, kind)) return `<c r="${at}"><v>${cell}</v></c>`;
  if (kind === 'boolean') return `<c r="${at}" t="b"><v>${cell === 'true' ? 1 : 0}</v></c>`;
  return textCell(at, cell, keepsItsText(cell, kind) ? 1 : 0);
}
