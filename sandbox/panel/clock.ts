/** The panel's time: follows the real clock, or stands still until moved when started at a given instant. */
export class SandboxClock {
  readonly #frozen: boolean;
  #offsetMs = 0;
  #atMs: number;

  constructor(startAt?: Date) {
    this.#frozen = startAt !== undefined;
    this.#atMs = startAt?.getTime() ?? 0;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#frozen ? this.#atMs : Date.now() + this.#offsetMs;
  }

  /** Moves forward only, because the panel's past actions cannot be undone. */
  advance(ms: number): void {
    if (ms < 0) throw new Error(`the panel's clock cannot go back, by ${-ms} ms`);
    if (this.#frozen) this.#atMs += ms;
    else this.#offsetMs += ms;
  }
}
