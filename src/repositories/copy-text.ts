/**
 * Lines of PostgreSQL's COPY in its text format (https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"), in UTF-8.
 */

const TAB = 0x09;
const NEW_LINE = 0x0a;
const SPACE = 0x20;
const BACKSLASH = 0x5c;

/** The characters that mean something other than themselves after a backslash. */
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The cells of a line without its end; null where there is no value. */
function cellsOf(line: string): (string | null)[] {
  const cells: (string | null)[] = line.split('\t');
  // Most lines have neither an escape nor a null.
  if (!line.includes('\\')) return cells;
  return cells.map((cell) =>
    cell === '\\N' ? null : cell!.replace(/\\(.)/g, (_, sign: string) => ESCAPED[sign] ?? sign),
  );
}

/** Whole lines, each with its line end. Iterating it gives the cells of each line. */
export class CopyText implements Iterable<(string | null)[]> {
  readonly bytes: Buffer;
  /** The number of lines. */
  readonly length: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    let length = 0;
    for (let at = bytes.indexOf(NEW_LINE); at >= 0; at = bytes.indexOf(NEW_LINE, at + 1)) length += 1;
    this.length = length;
  }

  *[Symbol.iterator](): Iterator<(string | null)[]> {
    if (this.length > 0)
      for (const line of this.bytes.toString('utf8', 0, this.bytes.length - 1).split('\n')) yield cellsOf(line);
  }
}

/** The text that another format puts around the cells of a column. */
export type ColumnSigns = {
  readonly before: string;
  readonly after: string;
  /** Replaces a null, together with the text around it. */
  readonly forNull: string;
  /** The cells never hold text from people, so no spreadsheet can take one for a formula. */
  readonly isOurs: boolean;
};

export type CopyRewriterOptions = {
  readonly columns: readonly ColumnSigns[];
  readonly lineEnd: string;
  /** Writes a row that is not plain, including its line end. */
  oddRow(cells: readonly (string | null)[]): string;
};

/** The meaning of a byte within a cell. */
const ORDINARY = 0;
const ENDS_CELL = 1;
const IS_ODD = 2;
const MEANINGS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === TAB || byte === NEW_LINE) return ENDS_CELL;
  return byte < SPACE || '",\\'.includes(String.fromCharCode(byte)) ? IS_ODD : ORDINARY;
});
/** The bytes that no formula begins with; most cells begin with one. */
const STARTS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Writes lines of COPY in another format. Most rows are plain: no cell is empty, needs quotes or escapes in CSV or JSON, or could be a
 * formula. Their bytes are copied with other signs between them, which is several times as fast as making text from each cell.
 */
export class CopyRewriter {
  readonly #columns: readonly { before: Buffer; after: Buffer; forNull: Buffer; isOurs: boolean }[];
  readonly #lineEnd: Buffer;
  readonly #oddRow: CopyRewriterOptions['oddRow'];
  /** The largest number of bytes by which a plain row can grow. */
  readonly #growth: number;

  constructor({ columns, lineEnd, oddRow }: CopyRewriterOptions) {
    this.#columns = columns.map(({ after, before, forNull, isOurs }) => ({
      before: Buffer.from(before),
      after: Buffer.from(after),
      forNull: Buffer.from(forNull),
      isOurs,
    }));
    this.#lineEnd = Buffer.from(lineEnd);
    this.#oddRow = oddRow;
    const growths = this.#columns.map(({ after, before, forNull }) =>
      Math.max(before.length + after.length, forNull.length),
    );
    this.#growth = growths.reduce((sum, one) => sum + one, this.#lineEnd.length);
  }

  rewrite({ bytes: lines, length: rows }: CopyText): Buffer {
    let out = Buffer.allocUnsafe(lines.length + rows * this.#growth);
    let length = 0;
    for (let from = 0, left = rows; left > 0; left -= 1) {
      const end = lines.indexOf(NEW_LINE, from);
      const plainTo = this.#writePlain(lines, from, end, out, length);
      if (plainTo >= 0) length = plainTo;
      else {
        const odd = Buffer.from(this.#oddRow(cellsOf(lines.toString('utf8', from, end))));
        const rest = lines.length - end + left * this.#growth;
        if (length + odd.length + rest > out.length)
          out = Buffer.concat([out.subarray(0, length)], length + odd.length + rest);
        length += odd.copy(out, length);
      }
      from = end + 1;
    }
    return out.subarray(0, length);
  }

  /** Writes the line into `out` from `at` on. Returns where that ends, or -1 where the line is not plain. */
  #writePlain(lines: Buffer, from: number, end: number, out: Buffer, at: number): number {
    let read = from;
    let written = at;
    for (const { after, before, forNull, isOurs } of this.#columns) {
      if (lines[read] === BACKSLASH && lines[read + 1] === 0x4e && MEANINGS[lines[read + 2]!] === ENDS_CELL) {
        for (let i = 0; i < forNull.length; i += 1) out[written++] = forNull[i]!;
        read += 3;
        continue;
      }
      if (!isOurs && STARTS_PLAIN[lines[read]!] === 0) return -1;
      for (let i = 0; i < before.length; i += 1) out[written++] = before[i]!;
      let byte = lines[read++]!;
      while (MEANINGS[byte] === ORDINARY) {
        out[written++] = byte;
        byte = lines[read++]!;
      }
      if (MEANINGS[byte] === IS_ODD || out[written - 1] === SPACE) return -1;
      for (let i = 0; i < after.length; i += 1) out[written++] = after[i]!;
    }
    if (read !== end + 1) return -1;
    for (let i = 0; i < this.#lineEnd.length; i += 1) out[written++] = this.#lineEnd[i]!;
    return written;
  }
}
