import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../lib/duration.ts';

/** Between looks: short against everything that is waited for, long enough to leave the machine to others. */
const LOOK_EVERY_MS = 20;

/**
 * Looks again and again until `condition` answers something true, and answers that. For what other processes do, where no event
 * reaches us. Throws naming `what` after `limitMs` (40 s: many times what anything takes on a quiet machine), with the last error where looking failed.
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
