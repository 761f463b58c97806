import { days, hours } from './duration.ts';

/** Includes `from`, excludes `to`. */
export type Interval = { readonly from: Date; readonly to: Date };

/** The UTC day of a moment as `YYYY-MM-DD`. */
export const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** Moves a `YYYY-MM-DD` by whole days. */
export const shiftDay = (day: string, by: number): string => dayOf(new Date(startOf(day).getTime() + days(by)));

/** `count` days that end with `last`, oldest first. */
export const daysUpTo = (last: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => shiftDay(last, i - count + 1));

/** The interval of a UTC day, which always has 24 hours. */
export const intervalOfDay = (day: string): Interval => ({ from: startOf(day), to: startOf(shiftDay(day, 1)) });

/** The UTC hour of a moment as `YYYY-MM-DDTHH`. */
export const hourOf = (at: Date): string => at.toISOString().slice(0, 13);

/** The interval of an hour `YYYY-MM-DDTHH`. */
export function intervalOfHour(hour: string): Interval {
  const from = new Date(`${hour}:00:00Z`);
  return { from, to: new Date(from.getTime() + hours(1)) };
}

/** The seconds that both intervals have in common. */
export function overlapSeconds(a: Interval, b: Interval): number {
  const from = Math.max(a.from.getTime(), b.from.getTime());
  return Math.max(0, Math.min(a.to.getTime(), b.to.getTime()) - from) / 1000;
}

const startOf = (day: string): Date => new Date(`${day}T00:00:00Z`);

/** The Sunday that ends the week of a day; weeks begin on Monday (ISO 8601). */
export const sundayOfWeek = (day: string): string => shiftDay(day, (7 - startOf(day).getUTCDay()) % 7);
