import type { Locale } from '../lib/locale.ts';

/** `2026-03-01 14:05 UTC`: to the minute, in the one zone that this service has. */
export const minuteInUtc = (at: Date): string => `${textOf(at)} UTC`;

/** `2026-03-01 14:05 to 14:20 UTC`; the day of the end only where it is another one. */
export function spanInUtc(from: Date, to: Date, locale: Locale): string {
  const [start, end] = [textOf(from), textOf(to)];
  const shown = start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end;
  return `${start}${{ en: ' to ', ru: ' – ' }[locale]}${shown} UTC`;
}

const textOf = (at: Date): string => at.toISOString().slice(0, 16).replace('T', ' ');
