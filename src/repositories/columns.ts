import { z } from 'zod';

/** What columns may hold that rows are read by: the driver gives it as it is, and what cannot be right is said of its row alone. */

/** Telegram's ids of people are positive and of at most 52 bits. A bigint beyond a number's precision comes as text. */
export const telegramIdColumn = z.custom<number>((value) => Number.isSafeInteger(value) && Number(value) > 0, {
  error: 'must be a Telegram id, from 1 to 9007199254740991',
});

/** PostgreSQL's times reach further than a calendar of ours: `infinity` comes as a number, a year beyond 275760 as no date. */
export const momentColumn = z.custom<Date>((value) => value instanceof Date && !Number.isNaN(value.getTime()), {
  error: 'must be a moment before the year 275760, and not infinity',
});

/** `numeric` may hold NaN and Infinity as well. */
export const amountColumn = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/, { error: 'must be a plain decimal, not NaN or Infinity' });
