import { hours } from './duration.ts';
import { dayOf, hourOf, type Interval, intervalOfDay, shiftDay, sundayOfWeek } from './utc-days.ts';
import { ZonedClock } from './zoned-clock.ts';

/** The days that reports and figures are of: those of UTC, or of one time zone, where a day can have 23 or 25 hours. */
export class Calendar {
  /** The name of the zone. */
  readonly zone: string;
  readonly #clock: ZonedClock;

  /** Throws a `RangeError` for a zone that `Intl` does not know. */
  constructor(zone: string) {
    this.zone = zone;
    this.#clock = new ZonedClock(zone);
  }

  /** The day of a moment as `YYYY-MM-DD`. */
  dayOf(at: Date): string {
    return this.zone === 'UTC' ? dayOf(at) : this.#clock.second(at).slice(0, 10);
  }

  /** The day before a moment's day. */
  dayBefore(at: Date): string {
    return shiftDay(this.dayOf(at), -1);
  }

  /** From midnight to midnight. Where the clocks leave midnight out, from the first moment of the day. */
  interval(day: string): Interval {
    if (this.zone === 'UTC') return intervalOfDay(day);
    return { from: this.#startOf(day), to: this.#startOf(shiftDay(day, 1)) };
  }

  /**
   * The hours that begin on a day, as `YYYY-MM-DDTHH` in UTC: 23, 24 or 25. Where a zone is half an hour off, they begin and end half an hour
   * after the day does.
   */
  hoursOf(day: string): string[] {
    const { from, to } = this.interval(day);
    const first = Math.ceil(from.getTime() / hours(1)) * hours(1);
    const count = Math.ceil((to.getTime() - first) / hours(1));
    return Array.from({ length: count }, (_, i) => hourOf(new Date(first + i * hours(1))));
  }

  /** The last Sunday that had ended at a moment. */
  lastSundayBefore(at: Date): string {
    return sundayOfWeek(shiftDay(this.dayOf(at), -7));
  }

  /** Of a midnight that comes twice the first one; one that is left out is told as later by what the clocks skip, which is where the day begins. */
  #startOf(day: string): Date {
    const midnight = this.#clock.instant(`${day}T00:00`);
    if (!midnight) throw new RangeError(`${day} is no day`);
    return midnight;
  }
}
