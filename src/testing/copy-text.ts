/** A row in the text format of PostgreSQL's COPY. The backslash is replaced first, so that no escape is escaped again. */
export const copyLine = (cells: readonly (string | null)[]): string =>
  cells
    .map((cell) =>
      cell === null
        ? '\\N'
        : [...'\\\b\f\n\r\t\v'].reduce((text, sign, i) => text.replaceAll(sign, `\\${'\\bfnrtv'[i]}`), cell),
    )
    .join('\t');
