import fc from 'fast-check';

const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point));

/** Strings of any code points, including lone surrogates. fast-check's own `unit: 'binary'` is the same but takes seconds to start. */
export const anyText = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: codePoint, maxLength });
