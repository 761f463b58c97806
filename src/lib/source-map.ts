/** A place in a generated file, in columns of its line, and where that stands in the sources; all from 0. */
export type MappedPlace = { column: number; source: number; line: number; at: number };

/** Base 64, as source maps write numbers. */
export const MAP_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Uint8Array(128);
for (const [value, digit] of [...MAP_DIGITS].entries()) VALUES[digit.charCodeAt(0)] = value;
const COMMA = 44;
const SEMICOLON = 59;

/** Told of each segment of a line, in order; ends the walk by returning true. */
export type Visit = (line: number, segment: Readonly<MappedPlace>) => boolean;

/**
 * Walks through the `mappings` of a source map (https://tc39.es/ecma426/). Segments without a source are left out. Takes no memory: the
 * segment is the same object each time.
 */
export function walkMappings(mappings: string, visit: Visit): void {
  const segment: MappedPlace = { column: 0, source: 0, line: 0, at: 0 };
  let line = 0;
  let field = 0;
  let value = 0;
  let shift = 0;
  for (let i = 0; i <= mappings.length; i += 1) {
    const character = i < mappings.length ? mappings.charCodeAt(i) : SEMICOLON;
    if (character === COMMA || character === SEMICOLON) {
      if (field > 1 && visit(line, segment)) return;
      field = 0;
      if (character === COMMA) continue;
      line += 1;
      segment.column = 0;
      continue;
    }
    // Numbers in base 64, five bits a digit, the lowest first. The lowest bit of all is the sign.
    const bits = VALUES[character]!;
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    const number = value & 1 ? -(value >> 1) : value >> 1;
    if (field === 0) segment.column += number;
    else if (field === 1) segment.source += number;
    else if (field === 2) segment.line += number;
    else if (field === 3) segment.at += number;
    field += 1;
    value = 0;
    shift = 0;
  }
}
