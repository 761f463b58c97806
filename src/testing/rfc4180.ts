/** Reads CSV strictly by RFC 4180, and throws where it is malformed. Every field is text. */
export function parseCsv(text: string, separator: ',' | ';' = ','): string[][] {
  const field = new RegExp(String.raw`(?:"((?:[^"]|"")*)"|([^"${separator}\r\n]*))(${separator}|\r\n|$)`, 'gy');
  const rows: string[][] = [];
  let row: string[] = [];
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (!match) throw new Error(`no CSV at ${at}: ${text.slice(at, at + 60)}`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === separator) continue;
    if (match[3] === '') throw new Error('the last line has no end');
    rows.push(row);
    row = [];
  }
  return rows;
}
