import { type OnCallTurn, onCallAt } from '../../lib/on-call.ts';
import { type QuietHours, quietUntil } from '../../lib/quiet-hours.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import type { Severity } from '../../messages/alerts.ts';

export type AlertRecipientsOptions = {
  adminIds: readonly number[];
  /** Empty: all at once. */
  onCall: readonly OnCallTurn[];
  quietHours: QuietHours | undefined;
  timeZone: string;
};

/** Says which admins are told of an alert, in which order, and how long it waits for the end of quiet hours. */
export class AlertRecipients {
  readonly all: readonly number[];
  readonly #options: AlertRecipientsOptions;
  readonly #clock: ZonedClock;

  constructor(options: AlertRecipientsOptions) {
    this.all = options.adminIds;
    this.#options = options;
    this.#clock = new ZonedClock(options.timeZone);
  }

  /** A critical alert begins with the first on call; everything else goes to all. */
  first(severity: Severity, now: Date): readonly number[] {
    return severity === 'critical' ? this.next([], now) : this.all;
  }

  /** The next on call after those who were told, then all others. Nobody once all were told. */
  next(told: readonly number[], now: Date): readonly number[] {
    const left = (ids: readonly number[]): number[] => ids.filter((id) => !told.includes(id));
    const [next] = left(onCallAt(this.#options.onCall, now, this.#clock));
    return next === undefined ? left(this.all) : [next];
  }

  /** Milliseconds until an alert of this severity may be told: a critical one does not wait. */
  waitMs(severity: Severity, now: Date): number {
    const { quietHours } = this.#options;
    if (severity === 'critical' || !quietHours) return 0;
    return Math.max(0, (quietUntil(now, quietHours, this.#clock)?.getTime() ?? 0) - now.getTime());
  }
}
