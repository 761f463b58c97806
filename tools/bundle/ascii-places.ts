import { MAP_DIGITS, type MappedPlace, walkMappings } from '../../src/lib/source-map.ts';

/** A generated file and the `mappings` of its source map. */
export type Mapped = { readonly code: string; readonly mappings: string };

/**
 * Writes every character that is not ASCII as an escape, because V8 holds a file with one such character at two bytes for each; and keeps
 * one place for each line of a source. For code where strings, templates and patterns alone have such characters.
 */
export function asciiWithPlaces({ code, mappings }: Mapped): Mapped {
  const codeLines = code.split('\n');
  const lines = segmentsOf(mappings).map((segments, i) => {
    const text = codeLines[i] ?? '';
    let read = 0;
    let added = 0;
    return firstOfEachLine(segments).map((segment) => {
      for (; read < segment.column; read += 1) added += escaped(text[read]!).length - 1;
      return { ...segment, column: segment.column + added };
    });
  });
  return { code: Array.from(code.split(''), escaped).join(''), mappings: mappingsOf(lines) };
}

function escaped(unit: string): string {
  const number = unit.charCodeAt(0);
  return number < 128 ? unit : `\\u${number.toString(16).padStart(4, '0')}`;
}

const firstOfEachLine = (segments: readonly MappedPlace[]): MappedPlace[] =>
  segments.filter(({ line, source }, i) => line !== segments[i - 1]?.line || source !== segments[i - 1]?.source);

/** The segments of each line. */
export function segmentsOf(mappings: string): MappedPlace[][] {
  const lines: MappedPlace[][] = mappings.split(';').map(() => []);
  walkMappings(mappings, (line, segment) => {
    lines[line]!.push({ ...segment });
    return false;
  });
  return lines;
}

/** The opposite of `segmentsOf`. */
function mappingsOf(lines: readonly (readonly MappedPlace[])[]): string {
  let last = { source: 0, line: 0, at: 0 };
  return lines
    .map((segments) => {
      let column = 0;
      return segments
        .map((segment) => {
          const { at, line, source } = segment;
          const numbers = [segment.column - column, source - last.source, line - last.line, at - last.at];
          column = segment.column;
          last = { source, line, at };
          return numbers.map(inBase64).join('');
        })
        .join(',');
    })
    .join(';');
}

function inBase64(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = '';
  do {
    const bits = rest & 31;
    rest >>>= 5;
    text += MAP_DIGITS[rest > 0 ? bits | 32 : bits];
  } while (rest > 0);
  return text;
}
