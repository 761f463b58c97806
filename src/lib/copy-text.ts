/**
 * Lines of PostgreSQL's COPY in its text format, without their ends
 * (https://www.postgresql.org/docs/current/sql-copy.html, "Text Format").
 */

/** What stands behind a backslash for something other than itself. */
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The cells of a line; null where there is no value. */
export function cellsOf(line: string): (string | null)[] {
  const cells: (string | null)[] = line.split('\t');
  // Most lines have neither an escape nor a null.
  if (!line.includes('\\')) return cells;
  return cells.map((cell) =>
    cell === '\\N' ? null : cell!.replace(/\\(.)/g, (_, sign: string) => ESCAPED[sign] ?? sign),
  );
}

/** What no plain text holds: control characters, `\` but for null, cells that begin otherwise or end with a space, or are empty. */
const NOT_PLAIN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0b-\x1f]|\\(?!N(?:[\t\n]|$))|(?:^|[\t\n])(?![A-Za-z0-9]|\\N(?:[\t\n]|$))|\s(?:[\t\n]|$)/;

/**
 * Whether a line, or several, may be written on as they are, with other signs between their cells: each cell is null (`\N`) or not empty,
 * needs neither quotes nor escapes in CSV and JSON, and is no formula. True of most rows, and found out far quicker than for each cell.
 */
export const isPlain = (text: string): boolean => !text.includes('"') && !text.includes(',') && !NOT_PLAIN.test(text);

/** Some whole lines, of which the last has no end. */
export class CopyText implements Iterable<string> {
  readonly text: string;
  #length: number | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** How many lines. */
  get length(): number {
    if (this.#length === undefined) {
      this.#length = 1;
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1)) this.#length += 1;
    }
    return this.#length;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.text.split('\n')[Symbol.iterator]();
  }
}

/** Plain text with these signs instead of its own. */
export function rewritten(
  plain: string,
  signs: { betweenCells: string; betweenLines: string; forNull: string },
): string {
  return plain
    .replaceAll('\t', signs.betweenCells)
    .replaceAll('\n', signs.betweenLines)
    .replaceAll('\\N', signs.forNull);
}
