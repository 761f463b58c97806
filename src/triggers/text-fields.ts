import { z } from 'zod';

/**
 * Fields that arrive as text: in an address or as an option of a command. The limits of each are a pattern, because that is what the
 * OpenAPI document can say: a client that keeps to the document is never refused. Lengths count characters, as JSON Schema does, not the
 * halves of surrogate pairs that `max` counts.
 */

/** A character of a line; `but` adds signs that may not stand there. U+0000 and halves of surrogate pairs are refused at every door. */
const character = (but = ''): string => `[^\\u0000-\\u001f\\u007f-\\u009f${but}]`;

/** A line of text of 1 to `most` characters. */
export const line = (most: number) =>
  z.string().regex(new RegExp(`^${character()}{1,${most}}$`, 'u'), {
    error: `must be 1 to ${most} characters of text without control characters`,
  });

/** The most entries of a list. */
const ENTRIES = 50;

/** One to 50 lines of at most `most` characters each, separated by commas. Spaces around a comma do not count. */
export const linesOf = (most: number) => {
  // U+FEFF is a space to JavaScript, and none to other readers of the pattern.
  const edge = character(',\\s\\ufeff');
  return listOf<string>(
    `${edge}(?:${character(',')}{0,${most - 2}}${edge})?`,
    `entries of 1 to ${most} characters without control characters`,
  );
};

/** One to 50 of these words, separated by commas. Spaces around a comma do not count. */
export const wordsOf = <Word extends string>(words: readonly Word[]) =>
  listOf<Word>(`(?:${words.join('|')})`, `of ${words.join(', ')}`);

/** `entry` is the pattern of one of them. */
const listOf = <Entry extends string>(entry: string, what: string) =>
  z
    .string()
    .regex(new RegExp(`^ *${entry}(?: *, *${entry}){0,${ENTRIES - 1}} *$`, 'u'), {
      error: `must be 1 to ${ENTRIES} ${what}, separated by commas`,
    })
    .transform((text) => text.split(',').map((part) => part.trim() as Entry));

/** A time with its offset from UTC. */
export const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A whole number in decimal digits. `z.coerce` would also take `0x10`, `1e2` and an empty text, which no document says. */
export const wholeNumber = (least: number, most: number) =>
  z.preprocess(
    (given) => (typeof given === 'string' && /^-?\d+$/.test(given) ? Number(given) : given),
    z.int().min(least).max(most),
  );
