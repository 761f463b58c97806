import { days } from './duration.ts';
import type { ZonedClock } from './zoned-clock.ts';

/** From and to, as clocks show them: `22:00`. */
export type QuietHours = { readonly from: string; readonly to: string };

const TIME = '([01]\\d|2[0-3]):([0-5]\\d)';
const HOURS = new RegExp(`^(${TIME})-(${TIME})$`);

/** Reads `22:00-09:00`. Undefined for other text, and where both ends are the same. */
export function readQuietHours(text: string): QuietHours | undefined {
  const match = HOURS.exec(text.replaceAll(' ', ''));
  const [from, to] = [match?.[1], match?.[4]];
  return from === undefined || to === undefined || from === to ? undefined : { from, to };
}

/**
 * When the quiet hours end in which this moment lies, by that clock; undefined outside of them. The answer is always later than the moment.
 * An end that comes twice is the first of the two. An end that the change to summer time leaves out is as much later as the clocks are put
 * forward.
 */
export function quietUntil(at: Date, { from, to }: QuietHours, clock: ZonedClock): Date | undefined {
  const [day, time] = clock.minute(at).split(' ') as [string, string];
  const isOverNight = from > to;
  const isQuiet = isOverNight ? time >= from || time < to : time >= from && time < to;
  if (!isQuiet) return undefined;
  const endsOn = isOverNight && time >= from ? dayAfter(day) : day;
  const end = clock.instant(`${endsOn}T${to}`);
  return end && end > at ? end : undefined;
}

/** A day of the calendar has no hours, so this is exact in every zone. */
const dayAfter = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + days(1)).toISOString().slice(0, 10);
