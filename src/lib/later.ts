import { days } from './duration.ts';

/** How often a waiting job looks again: the older the job, the more rarely. */
export type Patience = {
  atLeastMs: number;
  atMostMs: number;
  /** The job stops waiting at this age (default: one day). */
  forMs?: number;
};

/** The age of the job in milliseconds, counted from its first enqueueing over all attempts and snoozes. */
export const ageMsOf = ({ enqueuedAt, now }: { enqueuedAt: Date; now: Date }): number =>
  now.getTime() - enqueuedAt.getTime();

/** Milliseconds until the next look: a tenth of the job's age, within bounds. Undefined once the job has waited long enough. */
export function laterMs(ageMs: number, { atLeastMs, atMostMs, forMs = days(1) }: Patience): number | undefined {
  return ageMs >= forMs ? undefined : Math.min(Math.max(atLeastMs, ageMs / 10), atMostMs);
}
