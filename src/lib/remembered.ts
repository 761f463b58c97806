import { setTimeout as delay } from 'node:timers/promises';

/**
 * The last answer of a read that may be slow. A caller waits for a new answer only so long, and then gets the last one, which the read that
 * goes on replaces. Callers at once share one read.
 */
export class Remembered<T> {
  readonly #read: () => Promise<T>;
  readonly #patienceMs: number;
  #last: { value: T } | undefined;
  #reading: Promise<T> | undefined;

  constructor(read: () => Promise<T>, patienceMs: number) {
    this.#read = read;
    this.#patienceMs = patienceMs;
  }

  /** Rejects with the error of the read where nothing is remembered, or where the read fails in time. */
  async get(): Promise<T> {
    const reading = this.#begin();
    if (!this.#last) return await reading;
    const { value } = this.#last;
    reading.catch(() => undefined);
    return await Promise.race([reading, delay(this.#patienceMs, value)]);
  }

  #begin(): Promise<T> {
    this.#reading ??= this.#read()
      .then((value) => {
        this.#last = { value };
        return value;
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }
}
