import type { Answered, Decision } from './turn-queue.ts';

/** Most messages that share one round trip; keeps the script far below a millisecond. */
const MAX_BATCH = 32;

/** A message whose answer has come, and how long ago. */
export type AnsweredMessage = { id: string; agoMs: number };

/** Asks for a slot for each of `ids`, and frees those of `answered`. Resolves with a decision for each of `ids`. */
type Trip = (ids: readonly string[], answered: readonly AnsweredMessage[]) => Promise<readonly Decision[]>;

type Asking = { id: string; settle(decision: Decision & { answered: Answered }): void; fail(error: unknown): void };

/**
 * Asks for slots and gives them back. Only one round trip runs at a time and takes along all who came meanwhile and all
 * answers, so that the costs do not grow with the rate: a thousand messages a second share a few hundred trips.
 */
export class SlotQueue {
  readonly #trip: Trip;
  readonly #process: string;
  #asked = 0;
  #asking: Asking[] = [];
  #answered: { id: string; at: number }[] = [];
  #isUnderWay = false;

  /** `process`: makes the ids of messages different from those of other processes. */
  constructor(process: string, trip: Trip) {
    this.#process = process;
    this.#trip = trip;
  }

  /** Asks for one slot. Rejects with Redis' error. */
  async take(): Promise<Decision & { answered: Answered }> {
    this.#asked += 1;
    const id = `${this.#process}:${this.#asked}`;
    const { promise, resolve, reject } = Promise.withResolvers<Decision & { answered: Answered }>();
    this.#asking.push({ id, settle: resolve, fail: reject });
    void this.#run();
    return await promise;
  }

  #giveBack(id: string): void {
    this.#answered.push({ id, at: performance.now() });
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    while (this.#asking.length > 0 || this.#answered.length > 0) {
      await this.#travel(this.#asking.splice(0, MAX_BATCH), this.#answered.splice(0, MAX_BATCH));
    }
    this.#isUnderWay = false;
  }

  async #travel(asking: readonly Asking[], answered: readonly { id: string; at: number }[]): Promise<void> {
    const now = performance.now();
    try {
      const decisions = await this.#trip(
        asking.map(({ id }) => id),
        answered.map(({ at, id }) => ({ id, agoMs: now - at })),
      );
      asking.forEach(({ id, settle }, i) => {
        const decision = decisions[i]!;
        settle({ ...decision, answered: decision.reason === 'granted' ? () => this.#giveBack(id) : NO_SLOT });
      });
    } catch (error) {
      // The slots of those who were answered are free when their time is over.
      for (const { fail } of asking) fail(error);
    }
  }
}

/** To be called where there is no slot to give back. */
export const NO_SLOT: Answered = () => undefined;
