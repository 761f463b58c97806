import type { Locale } from './locale.ts';

/** Whether `Intl` knows this name as a time zone: `UTC`, `Europe/Moscow`. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Reads and writes moments as the clocks of one time zone show them. Days of 23 and 25 hours are those of `Intl`. */
export class ZonedClock {
  readonly zone: string;
  readonly #parts: Intl.DateTimeFormat;

  /** Throws a `RangeError` for a zone that `Intl` does not know. */
  constructor(zone: string) {
    this.zone = zone;
    this.#parts = new Intl.DateTimeFormat('en', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /** `2026-03-01 14:05:33`. */
  second(at: Date): string {
    const part = Object.fromEntries(this.#parts.formatToParts(at).map(({ type, value }) => [type, value]));
    return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second}`;
  }

  /** `2026-03-01 14:05`. */
  minute(at: Date): string {
    return this.second(at).slice(0, 16);
  }

  /** `14:05`. */
  hour(at: Date): string {
    return this.second(at).slice(11, 16);
  }

  /** The zone as people call it at that moment: `UTC`, `GMT+3`. */
  label(at: Date, locale: Locale): string {
    if (this.zone === 'UTC') return 'UTC';
    const format = new Intl.DateTimeFormat(locale, { timeZone: this.zone, timeZoneName: 'short' });
    return format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? this.zone;
  }

  /**
   * The moment at which these clocks show `2026-03-01T14:05`, as a form sends it. Undefined for other text. Of an hour that comes twice it
   * is the first; of one that is left out, as much later as the clocks are put forward.
   */
  instant(text: string): Date | undefined {
    const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)$/.exec(text);
    const asUtc = match ? new Date(`${match[1]}T${match[2]}:00Z`) : undefined;
    if (!asUtc || Number.isNaN(asUtc.getTime())) return undefined;
    // A day around every change, so the larger offset of the two is the one before or after it.
    const [before, after] = [-DAY_MS, DAY_MS].map((ms) => this.#offsetMs(new Date(asUtc.getTime() + ms)));
    const first = new Date(asUtc.getTime() - before!);
    if (this.#offsetMs(first) === before) return first;
    const second = new Date(asUtc.getTime() - after!);
    return this.#offsetMs(second) === after ? second : first;
  }

  #offsetMs(at: Date): number {
    const shown = new Date(`${this.second(at).replace(' ', 'T')}Z`).getTime();
    return shown - Math.floor(at.getTime() / 1000) * 1000;
  }
}

const DAY_MS = 86_400_000;
