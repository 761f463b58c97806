import { setTimeout as delay } from 'node:timers/promises';

/** A slow read is not repeated for so many times as long as it took: then it takes a tenth of one connection at most. */
const REST = 10;

/**
 * The last answer of a read that may be slow. A caller waits for a new answer only so long, and then gets the last one, which the read that
 * goes on replaces. A read that took longer than that is not begun anew at once: its answer holds for ten times as long. Callers at once share
 * one read.
 */
export class Remembered<T> {
  readonly #read: () => Promise<T>;
  readonly #patienceMs: number;
  #last: { value: T; until: number } | undefined;
  #reading: Promise<T> | undefined;

  constructor(read: () => Promise<T>, patienceMs: number) {
    this.#read = read;
    this.#patienceMs = patienceMs;
  }

  /** Rejects with the error of the read where nothing is remembered, or where the read fails in time. */
  async get(): Promise<T> {
    if (this.#last && performance.now() < this.#last.until) return this.#last.value;
    const reading = this.#begin();
    if (!this.#last) return await reading;
    const { value } = this.#last;
    reading.catch(() => undefined);
    return await Promise.race([reading, delay(this.#patienceMs, value)]);
  }

  /** The value is known to be changed: the next caller waits for a read that begins then. */
  forget(): void {
    this.#last = undefined;
    this.#reading = undefined;
  }

  #begin(): Promise<T> {
    const begunAt = performance.now();
    if (this.#reading !== undefined) return this.#reading;
    const reading = this.#read()
      .then((value) => {
        const endedAt = performance.now();
        const tookMs = endedAt - begunAt;
        const until = tookMs > this.#patienceMs ? endedAt + REST * tookMs : endedAt;
        if (this.#reading === reading) this.#last = { value, until };
        return value;
      })
      .finally(() => {
        if (this.#reading === reading) this.#reading = undefined;
      });
    this.#reading = reading;
    return reading;
  }
}
