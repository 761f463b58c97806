import { z } from 'zod';

/** A place between two rows that are listed newest first. */
export type RowPlace = { at: string; id: string };

const TIME = /^(\d{4,6})-(0[1-9]|1[0-2])-(\d\d) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?$/;

/** The place of the next page in an address: a time in UTC as PostgreSQL writes it, and the id of the row. */
export const RowCursor = z
  .string()
  .max(80)
  .transform((text) => {
    const cut = text.lastIndexOf('_');
    return { at: text.slice(0, Math.max(cut, 0)), id: text.slice(cut + 1) };
  })
  .pipe(z.object({ at: z.string().refine(isTime, 'must be a time'), id: z.guid() }));

export const rowCursor = (place: RowPlace | undefined): string | undefined => place && `${place.at}_${place.id}`;

/** PostgreSQL refuses the 30th of February and years beyond its own, with an error that is no answer to a person. */
function isTime(text: string): boolean {
  if (text === 'infinity' || text === '-infinity') return true;
  const [, year, month, day] = TIME.exec(text)?.map(Number) ?? [];
  if (!year || year > 294_275) return false;
  const date = new Date(Date.UTC(year, month! - 1, day));
  return date.getUTCMonth() === month! - 1 && date.getUTCDate() === day;
}
