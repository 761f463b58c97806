import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyLine } from '../testing/copy-text.ts';
import { copiedLines } from './copied-lines.ts';

const copied = (rows: readonly (string | null)[][]): Buffer =>
  Buffer.from(rows.map((row) => `${copyLine(row)}\n`).join(''));

async function read(chunks: readonly Buffer[], groupBytes = 10): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  const content = (async function* () {
    yield* chunks;
  })();
  for await (const group of copiedLines(content, groupBytes)) {
    expect([...group]).toHaveLength(group.length);
    rows.push(...group);
  }
  return rows;
}

const cell = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', '\\N', '\\', '\\\\N', '\n', '\t', 'a\tb\nc\\d', 'Привет 🔒', '\\t'),
  ),
);

test('every cell comes back, wherever the network cuts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(cell, { minLength: 1, maxLength: 4 })),
      fc.array(fc.nat()),
      async (rows, cuts) => {
        const bytes = copied(rows);
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
        // A row of one cell with empty text is written as an empty line, and is read back as one row.
        expect(await read(chunks)).toEqual(rows);
      },
    ),
  );
});

test('nothing is no rows', async () => {
  expect(await read([])).toEqual([]);
});
