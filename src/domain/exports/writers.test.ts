import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CopyText } from '../../repositories/copy-text.ts';
import { anyText } from '../../testing/any-text.ts';
import { copyLine } from '../../testing/copy-text.ts';
import { parseCsv } from '../../testing/rfc4180.ts';
import { readXlsx } from '../../testing/xlsx-reader.ts';
import { csv, csvExcel } from './csv.ts';
import { json } from './json.ts';
import {
  type CellKind,
  type Cells,
  type ExportColumn,
  isMisreadNumber,
  looksLikeFormula,
  type RowGroup,
} from './table.ts';
import { xlsx } from './xlsx.ts';

const COLUMNS: readonly ExportColumn[] = [
  { name: 'id', kind: 'number' },
  { name: 'name', kind: 'text' },
  { name: 'amount', kind: 'money' },
  { name: 'on', kind: 'boolean' },
  { name: 'extra', kind: 'json' },
];

const HOSTILE = [
  '=HYPERLINK("http://evil","x")',
  '+1',
  '-2+3',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  ' =1',
  '\u200b=1',
  '＝1+1',
  '"quoted", and\r\nmore',
  '<script>&amp;</script>',
  '_x0041_',
  'null\u0001byte',
  '',
  'Привет 🔒',
  '\ud83d',
];

type Table = Parameters<typeof csv>[0];

const tableOf = (...groups: RowGroup[]): Table => ({
  columns: COLUMNS,
  groups: (async function* () {
    yield* groups;
  })(),
});

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const rowOf = (name: string | null, i: number): Cells => [String(i), name, '-1.50', 'true', null];
const rows = HOSTILE.map(rowOf);
/** The text after encoding in UTF-8, which replaces lone surrogates. */
const wellFormed = (text: string): string => text.toWellFormed();

describe('csv', () => {
  test('hostile cells come back as they were, and none of them is a formula', async () => {
    const [header, ...read] = parseCsv((await bytesOf(csv(tableOf(rows)))).toString());
    expect(header).toEqual(['id', 'name', 'amount', 'on', 'extra']);
    expect(read).toHaveLength(HOSTILE.length);
    for (const [i, [id, name, amount]] of read.entries()) {
      expect(id).toBe(String(i));
      expect(amount).toBe('-1.50');
      expect(name!.replace(/^'/, '')).toBe(wellFormed(HOSTILE[i]!));
      expect(looksLikeFormula(name!, 'text')).toBe(false);
    }
  });

  test('no rows are a header alone', async () => {
    expect((await bytesOf(csv(tableOf()))).toString()).toBe('id,name,amount,on,extra\r\n');
  });

  test('any text comes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText(30)), async (texts) => {
        const [, ...read] = parseCsv((await bytesOf(csv(tableOf(texts.map(rowOf))))).toString());
        expect(read.map(([, name]) => name)).toEqual(
          texts.map((text) => wellFormed(looksLikeFormula(text, 'text') ? `'${text}` : text)),
        );
      }),
    );
  });
});

/** What people put into names, notes and ids, and what a spreadsheet would make of it. */
const READ_AS_NUMBERS: readonly [kind: CellKind, text: string, isMisread: boolean][] = [
  ['id', '123456789', false],
  ['id', '123456789012345', false],
  ['id', '1234567890123456', true],
  ['id', '12345678901234567', true],
  ['number', '9007199254740991', true],
  ['number', '150', false],
  ['number', '-150', false],
  ['text', '12345678901234567', true],
  ['text', '42', false],
  ['text', '007', true],
  ['text', '1e5', true],
  ['text', '1E10', true],
  ['text', '1-2', true],
  ['text', '03/04', true],
  ['text', '1.10', true],
  ['text', '1,5', true],
  ['text', '12:30', true],
  ['text', '50%', true],
  ['text', '2026-01-01', true],
  ['text', '1 000', true],
  ['text', 'plan 42', false],
  ['text', '00000000-0000-4000-8000-00000000a001', false],
  ['money', '1.10', false],
  ['time', '2026-01-01T00:00:00.000Z', false],
];

test.each(READ_AS_NUMBERS)('of kind %s, %s would be shown as something else: %s', (kind, text, isMisread) => {
  expect(isMisreadNumber(text, kind)).toBe(isMisread);
});

/** What an Excel with a decimal comma shows of a file that is opened by a double click. A formula other than plain text throws. */
function openedInExcel(bytes: Buffer): string[][] {
  const text = bytes.toString();
  if (!text.startsWith('\ufeff')) throw new Error('Excel takes it for windows-1251');
  return parseCsv(text.slice(1), ';').map((cells) =>
    cells.map((cell) => {
      const asText = /^="([^"]*)"$/.exec(cell);
      if (asText) return asText[1]!;
      if (/^-?[\d,]+$/.test(cell)) return cell.replace(/^(\d{15})\d+$/, '$1…');
      if (looksLikeFormula(cell, 'text')) throw new Error(`Excel would run ${cell}`);
      return cell;
    }),
  );
}

describe('csv for Excel', () => {
  test('opens in columns, in its own letters, with whole ids and money that is money', async () => {
    const table = tableOf([['12345678901234567', 'Привет, мир; 🔒', '1234.50', 'true', null]]);
    const bytes = await bytesOf(csvExcel(table));
    expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    expect(bytes.toString()).toBe(
      '\ufeffid;name;amount;on;extra\r\n"=""12345678901234567""";"Привет, мир; 🔒";1234,50;true;\r\n',
    );
    expect(openedInExcel(bytes)[1]).toEqual(['12345678901234567', 'Привет, мир; 🔒', '1234,50', 'true', '']);
  });

  test('hostile cells come back as they were, and none of them is a formula', async () => {
    const [, ...read] = openedInExcel(await bytesOf(csvExcel(tableOf(rows))));
    expect(read).toHaveLength(HOSTILE.length);
    for (const [i, cells] of read.entries()) expect(cells[1]!.replace(/^'/, '')).toBe(wellFormed(HOSTILE[i]!));
  });

  test.each(READ_AS_NUMBERS)('of kind %s, %s is shown as it is', async (kind, text) => {
    const [, [shown] = []] = openedInExcel(
      await bytesOf(csvExcel({ ...tableOf([[text]]), columns: [{ name: 'c', kind }] })),
    );
    expect(shown).toBe(kind === 'money' ? text.replace('.', ',') : text);
  });

  test('lines of COPY are written as their cells are', async () => {
    const plain = rows.filter(([, name]) => name?.isWellFormed() && !name.includes('\0'));
    const byCells = await bytesOf(csvExcel(tableOf(plain, plain)));
    expect((await bytesOf(csvExcel(copyOf(plain)))).toString()).toBe(byCells.toString());
  });

  test('property: whatever people wrote, no cell runs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText(30)), async (texts) => {
        const read = openedInExcel(await bytesOf(csvExcel(tableOf(texts.map(rowOf)))));
        expect(read).toHaveLength(texts.length + 1);
      }),
    );
  });
});

describe('json', () => {
  test('is a valid array of objects, whatever the cells hold; money is text, JSON is nested', async () => {
    const table = tableOf(rows, [['7', null, '0.1', 'false', '{"a":[1]}']]);
    const read = JSON.parse((await bytesOf(json(table))).toString()) as Record<string, unknown>[];
    expect(read).toHaveLength(HOSTILE.length + 1);
    expect(read.slice(0, -1).map(({ name }) => name)).toEqual(HOSTILE);
    expect(read.at(-1)).toEqual({ id: 7, name: null, amount: '0.1', on: false, extra: { a: [1] } });
  });

  test('no rows are an empty array', async () => {
    expect(JSON.parse((await bytesOf(json(tableOf()))).toString())).toEqual([]);
  });
});

describe('xlsx', () => {
  test('hostile cells are text that no edit makes a formula', async () => {
    const [[header, ...read] = []] = readXlsx(await bytesOf(xlsx(tableOf(rows))));
    expect(header!.map(({ value }) => value)).toEqual(['id', 'name', 'amount', 'on', 'extra']);
    for (const [i, [id, name, amount, on, extra]] of read.entries()) {
      expect(id).toMatchObject({ kind: 'number', value: String(i) });
      expect(amount).toMatchObject({ kind: 'text', value: '-1.50' });
      expect(on).toMatchObject({ kind: 'boolean', value: '1' });
      expect(extra).toBeUndefined();
      expect(name).toMatchObject({ kind: 'text', value: wellFormed(HOSTILE[i]!) });
      expect(name!.isQuoted).toBe(looksLikeFormula(HOSTILE[i]!, 'text'));
    }
  });

  test.each(READ_AS_NUMBERS)('of kind %s, %s keeps every digit', async (kind, text, isMisread) => {
    const table = { ...tableOf([[text]]), columns: [{ name: 'c', kind }] };
    const [[, [cell] = []] = []] = readXlsx(await bytesOf(xlsx(table)));
    expect(cell).toMatchObject({ value: text, kind: kind === 'number' && !isMisread ? 'number' : 'text' });
    // It stays text also after it was edited.
    expect(cell!.isQuoted).toBe(isMisread || kind === 'id');
  });

  test('rows that one sheet cannot hold go on in the next, each with its header', async () => {
    const many = Array.from({ length: 25 }, (_, i) => rowOf('x', i));
    const sheets = readXlsx(await bytesOf(xlsx(tableOf(many.slice(0, 7), many.slice(7)), 11)));
    expect(sheets.map((sheet) => sheet.length)).toEqual([11, 11, 6]);
    expect(sheets.flatMap((sheet) => sheet.slice(1).map(([id]) => Number(id!.value)))).toEqual(many.map((_, i) => i));
  });

  test('a text longer than a cell can be is cut', async () => {
    const [[, [, name] = []] = []] = readXlsx(await bytesOf(xlsx(tableOf([rowOf('x'.repeat(40_000), 1)]))));
    expect(name!.value).toHaveLength(32_767);
  });

  test('no rows are a sheet with its header', async () => {
    expect(readXlsx(await bytesOf(xlsx(tableOf())))).toEqual([[expect.any(Array)]]);
  });
});

const copyOf = (rows: readonly (readonly (string | null)[])[]): Table =>
  tableOf(...[rows, rows].map((one) => new CopyText(Buffer.from(one.map((row) => `${copyLine(row)}\n`).join('')))));

test('a row as a line of COPY is written as the same row by its cells, in every format', async () => {
  const plain = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 .:_@-]{0,20}$/);
  // The database holds neither lone surrogates nor NUL.
  const anyCell = anyText(20).filter((one) => one.isWellFormed() && !one.includes('\0'));
  const text = fc.option(
    fc.oneof(plain, plain, fc.constantFrom(...HOSTILE.filter((one) => one.isWellFormed())), anyCell),
  );
  const row = fc.tuple(
    fc.integer().map(String),
    text,
    fc.constantFrom('1.50', '-0.1'),
    text,
    fc.constantFrom('true', null),
  );
  const filled = fc.option(plain);
  const plainRow = fc.tuple(fc.nat().map(String), filled, fc.constant('1.50'), filled, fc.constantFrom('true', null));
  const columns: ExportColumn[] = [
    { name: 'id', kind: 'number' },
    { name: 'name', kind: 'text' },
    { name: 'amount', kind: 'money' },
    { name: 'note', kind: 'text' },
    { name: 'on', kind: 'boolean' },
  ];
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.array(row), fc.array(plainRow)), async (cells) => {
      for (const write of [csv, json]) {
        const byCells = await bytesOf(write({ ...tableOf(cells, cells), columns }));
        expect((await bytesOf(write({ ...copyOf(cells), columns }))).toString()).toBe(byCells.toString());
      }
      const sheets = readXlsx(await bytesOf(xlsx({ ...copyOf(cells), columns })));
      expect(sheets).toEqual(readXlsx(await bytesOf(xlsx({ ...tableOf(cells, cells), columns }))));
    }),
  );
});
