import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../lib/duration.ts';

/** The time between checks: short compared with the events that tests wait for, long enough to leave the machine to others. */
const LOOK_EVERY_MS = 20;

/**
 * Checks `condition` repeatedly until it returns a true value, and returns that. It is for effects of other processes, which send no event.
 * After `limitMs` (40 s, many times what any event takes on a quiet machine) it throws an error that names `what`, with the last error of a
 * failed check.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = seconds(40),
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const deadline = performance.now() + limitMs;
  let cause: unknown;
  for (;;) {
    try {
      const found = await condition();
      if (found) return found as Exclude<T, false | 0 | '' | null | undefined>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`, { cause });
    await delay(LOOK_EVERY_MS);
  }
}
