import { z } from 'zod';

/** A place between two rows that are listed newest first: a time in UTC as PostgreSQL writes it, and the id of the row. */
export type RowPlace = { at: string; id: string };

/** The years that PostgreSQL keeps, as it writes them, but for those before Christ. */
const YEAR =
  '(?:000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d{3,4}|1\\d{5}|2[0-8]\\d{4}|29[0-3]\\d{3}|294[01]\\d\\d|2942[0-6]\\d|29427[0-5])';
/** Those of them that have a 29th of February, up to the year 289999. */
const LEAP_YEAR =
  '(?:(?:[1-9]|1\\d|2[0-8])?(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)|(?:[1-9]|1\\d|2[0-8])0000)';
const DAY_OF_ANY_YEAR =
  '(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))';
const TIME = `(?:${YEAR}-${DAY_OF_ANY_YEAR}|${LEAP_YEAR}-02-29)T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?`;
const ID = '[\\da-fA-F]{8}(?:-[\\da-fA-F]{4}){3}-[\\da-fA-F]{12}';

/**
 * The place of the next page in an address. The pattern takes only times that PostgreSQL can read, because it refuses others with an error
 * that is no answer to a person, and because a pattern is what the OpenAPI document can say.
 */
export const RowCursor = z
  .string()
  .regex(new RegExp(`^(?:-?infinity|${TIME})_${ID}$`, 'u'), { error: 'must be `next` of the page before' })
  .transform((text): RowPlace => {
    const [at, id] = text.split('_') as [string, string];
    return { at: at.replace('T', ' '), id };
  });

/** Without the space of PostgreSQL's text, so that it stands in an address as it is. */
export const rowCursor = (place: RowPlace | undefined): string | undefined =>
  place && `${place.at.replace(' ', 'T')}_${place.id}`;
