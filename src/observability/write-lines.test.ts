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
