import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../../../lib/duration.ts';
import { RateLimit } from './rate-limit.ts';

/** Tokens have at least 16 characters, so guessing is hopeless; this limit also keeps the guesses few. */
const FAILURES = 10;
const WINDOW_MS = minutes(5);
/** The answer to each further wrong token is held for this long. */
const HOLD_MS = seconds(1);
/** Held answers cost a connection each; above this number they are given at once. */
const MOST_HELD = 100;

export type FailedLoginsOptions = { clock?: () => number; holdMs?: number };

/**
 * The wrong tokens at one door. They are counted by address, and each token alone: a program that repeats an old token does not guess. Only
 * wrong tokens are ever refused or slowed. A right one passes, because the address may be that of a proxy with many people behind it.
 */
export class FailedLogins {
  readonly #guesses: RateLimit;
  readonly #repeats: RateLimit;
  readonly #holdMs: number;
  #held = 0;

  constructor({ clock, holdMs = HOLD_MS }: FailedLoginsOptions = {}) {
    const limit = { limit: FAILURES, windowMs: WINDOW_MS, ...(clock && { clock }) };
    this.#guesses = new RateLimit(limit);
    this.#repeats = new RateLimit(limit);
    this.#holdMs = holdMs;
  }

  /**
   * Counts a wrong token. Returns 0, or, where there were too many, the milliseconds after which the count begins anew; then it resolves
   * late.
   */
  async count(client: string, token: string): Promise<number> {
    const same = `${client} ${createHash('sha256').update(token).digest('base64url').slice(0, 16)}`;
    const isGuess = !this.#repeats.has(same);
    const waitMs = Math.max(
      this.#repeats.take(same),
      isGuess ? this.#guesses.take(client) : this.#guesses.waitMs(client),
    );
    if (waitMs > 0 && this.#held < MOST_HELD) await this.#hold();
    return waitMs;
  }

  async #hold(): Promise<void> {
    this.#held += 1;
    await delay(this.#holdMs, undefined, { ref: false });
    this.#held -= 1;
  }
}
