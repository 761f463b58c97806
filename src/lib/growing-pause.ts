import { sleepUnless } from './deadline.ts';

/** A pause between tries that doubles while they fail, and begins anew once one has succeeded. */
export class GrowingPause {
  readonly #firstMs: number;
  readonly #atMostMs: number;
  #nextMs: number;

  constructor({ firstMs, atMostMs }: { firstMs: number; atMostMs: number }) {
    this.#firstMs = firstMs;
    this.#atMostMs = atMostMs;
    this.#nextMs = firstMs;
  }

  /** To be called after a failure. Ends early when one of the signals fires. */
  async wait(...signals: AbortSignal[]): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#atMostMs);
    await sleepUnless(ms, ...signals);
  }

  /** To be called after a success. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
