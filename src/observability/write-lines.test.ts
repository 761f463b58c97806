import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { writeLines } from './write-lines.ts';

/** Takes what is written while `isFull` says false. */
function outputOf(isFull: boolean, taken: string[]): Writable {
  const output = new Writable({
    decodeStrings: false,
    write(lines: string, _encoding, done) {
      if (isFull) return done(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      taken.push(lines);
      done();
    },
  });
  output.on('error', () => undefined);
  return output;
}

test.each([
  { isFull: false, taken: ['a\nb\n'], dropped: [] },
  { isFull: true, taken: [], dropped: [2] },
])('lines that an output does not take are counted: $dropped', async ({ isFull, ...expected }) => {
  const taken: string[] = [];
  const dropped: number[] = [];
  writeLines(outputOf(isFull, taken) as NodeJS.WritableStream as NodeJS.WriteStream, (lines) => dropped.push(lines))(
    'a\nb\n',
  );
  await new Promise(setImmediate);
  expect({ taken, dropped }).toEqual(expected);
});

test('a reader that does not read leaves a bounded number of lines, the rest is counted, and later ones are written again', async () => {
  const readers: (() => void)[] = [];
  const output = new Writable({ decodeStrings: false, write: (_lines, _encoding, done) => void readers.push(done) });
  let dropped = 0;
  const write = writeLines(output as NodeJS.WritableStream as NodeJS.WriteStream, (lines) => {
    dropped += lines;
  });
  const line = `${'x'.repeat(999)}\n`;
  for (let i = 0; i < 1000; i += 1) write(line);
  expect(output.writableLength).toBeLessThan(264_000);
  expect(dropped).toBe(1000 - output.writableLength / 1000);
  while (output.writableLength > 0) {
    readers.shift()?.();
    await new Promise(setImmediate);
  }
  const before = dropped;
  write(line);
  expect([dropped - before, output.writableLength]).toEqual([0, 1000]);
});
