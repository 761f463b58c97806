import { days } from './duration.ts';

/** How often a job that waits for something looks again: ever more rarely the longer it takes. */
export type Patience = {
  atLeastMs: number;
  atMostMs: number;
  /** From this age of the job on it waits no longer (default a day). */
  forMs?: number;
};

/** How old the job is, in milliseconds: the same over every attempt and snooze. */
export const ageMsOf = ({ enqueuedAt, now }: { enqueuedAt: Date; now: Date }): number =>
  now.getTime() - enqueuedAt.getTime();

/** Milliseconds until the next look: a tenth of the job's age, within bounds. Undefined once it has waited long enough. */
export function laterMs(ageMs: number, { atLeastMs, atMostMs, forMs = days(1) }: Patience): number | undefined {
  return ageMs >= forMs ? undefined : Math.min(Math.max(atLeastMs, ageMs / 10), atMostMs);
}
