import fc from 'fast-check';

const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point));

/** Strings of any code points, lone surrogates included. fast-check's own `unit: 'binary'` is the same but takes seconds to begin. */
export const anyText = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: codePoint, maxLength });
