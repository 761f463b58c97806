/** A row as PostgreSQL's COPY writes it in its text format: the backslash first, so that none is escaped twice. */
export const copyLine = (cells: readonly (string | null)[]): string =>
  cells
    .map((cell) =>
      cell === null
        ? '\\N'
        : [...'\\\b\f\n\r\t\v'].reduce((text, sign, i) => text.replaceAll(sign, `\\${'\\bfnrtv'[i]}`), cell),
    )
    .join('\t');
