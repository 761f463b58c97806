import { badText } from '../../lib/bad-text.ts';

/** Longer than any name or id that a panel gives. */
const LONGEST = 256;

/** Parts that every reader of an address takes for a way to another one. */
const DOTS: ReadonlySet<string> = new Set(['', '.', '..']);

/**
 * A path with values of others as parts of it: `panelPath`/api/users/${id}``. Undefined where a value cannot be one part, so nothing of the
 * panel has that name.
 */
export function panelPath(route: TemplateStringsArray, ...values: readonly (string | number)[]): string | undefined {
  const parts = values.map(String);
  if (parts.some((part) => DOTS.has(part) || part.length > LONGEST || badText(part) !== undefined)) return undefined;
  return String.raw({ raw: route }, ...parts.map(encodeURIComponent));
}
