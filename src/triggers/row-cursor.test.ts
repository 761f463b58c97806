import { expect, test } from 'vitest';
import { RowCursor, rowCursor } from './row-cursor.ts';

const id = '0f8fad5b-d9cb-469f-a165-70867728950e';

test.each(['2026-03-01 12:00:00', '2024-02-29 23:59:59.000001', '12026-01-31 00:00:00.5', 'infinity', '-infinity'])(
  'a place at %s comes back as it was',
  (at) => {
    expect(RowCursor.parse(rowCursor({ at, id }))).toEqual({ at, id });
  },
);

test.each([
  ['nothing', ''],
  ['no time', `_${id}`],
  ['no id', '2026-03-01 12:00:00_'],
  ['no row id', `2026-03-01 12:00:00_${'-'.repeat(36)}`],
  ['a day that is none', `2026-02-30 12:00:00_${id}`],
  ['an hour that is none', `2026-02-28 24:00:00_${id}`],
  ['a year that is none', `0000-02-28 12:00:00_${id}`],
  ['a year beyond what PostgreSQL keeps', `294277-02-28 12:00:00_${id}`],
  ['a word', `yesterday_${id}`],
])('%s is refused', (_what, text) => {
  expect(RowCursor.safeParse(text).success).toBe(false);
});
