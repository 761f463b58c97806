import { setTimeout as delay } from 'node:timers/promises';
import { type Answered, type Decision, MAX_BATCH } from './turn-queue.ts';

/** A message whose answer has come, and how long ago. */
export type AnsweredMessage = { id: string; agoMs: number };

/** Asks for a slot for each of `ids`, and frees those of `answered`. Resolves with a decision for each of `ids`. */
type Trip = (ids: readonly string[], answered: readonly AnsweredMessage[]) => Promise<readonly Decision[]>;

export type SlotQueueOptions = {
  /** Makes the ids of messages different from those of other processes. */
  process: string;
  /** A trip waits so long for more messages that go with it, in ms. 0: it waits for none. */
  companyMs: number;
  trip: Trip;
};

/** Of so many of the latest answers, the shortest is known. */
const KEPT_ANSWERS = 64;

type Asking = { id: string; settle(decision: Decision & { answered: Answered }): void; fail(error: unknown): void };

/**
 * Asks for slots and gives them back. Only one round trip runs at a time and takes along all who came meanwhile and all
 * answers, so that the costs do not grow with the rate: a thousand messages a second share a few hundred trips.
 */
export class SlotQueue {
  readonly #options: SlotQueueOptions;
  #asked = 0;
  #asking: Asking[] = [];
  #answered: { id: string; at: number }[] = [];
  #isUnderWay = false;
  /** How long the latest messages waited for their answers, in ms. */
  readonly #answers: number[] = [];

  constructor(options: SlotQueueOptions) {
    this.#options = options;
  }

  /** The shortest of the latest answers, in ms: what the way takes at least, without what a busy process adds. 0 before the first one. */
  get shortestAnswerMs(): number {
    return this.#answers.length === 0 ? 0 : Math.min(...this.#answers);
  }

  /** Asks for one slot. Rejects with Redis' error. */
  async take(): Promise<Decision & { answered: Answered }> {
    this.#asked += 1;
    const id = `${this.#options.process}:${this.#asked}`;
    const { promise, resolve, reject } = Promise.withResolvers<Decision & { answered: Answered }>();
    this.#asking.push({ id, settle: resolve, fail: reject });
    void this.#run();
    return await promise;
  }

  #giveBack(id: string, grantedAt: number): void {
    const at = performance.now();
    this.#answered.push({ id, at });
    this.#answers.push(at - grantedAt);
    if (this.#answers.length > KEPT_ANSWERS) this.#answers.shift();
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    const { companyMs } = this.#options;
    while (this.#asking.length > 0 || this.#answered.length > 0) {
      if (companyMs > 0) await delay(companyMs);
      await this.#travel(this.#asking.splice(0, MAX_BATCH), this.#answered.splice(0, MAX_BATCH));
    }
    this.#isUnderWay = false;
  }

  async #travel(asking: readonly Asking[], answered: readonly { id: string; at: number }[]): Promise<void> {
    const now = performance.now();
    try {
      const decisions = await this.#options.trip(
        asking.map(({ id }) => id),
        answered.map(({ at, id }) => ({ id, agoMs: now - at })),
      );
      const grantedAt = performance.now();
      asking.forEach(({ id, settle }, i) => {
        const decision = decisions[i]!;
        const answered = decision.reason === 'granted' ? () => this.#giveBack(id, grantedAt) : NO_SLOT;
        settle({ ...decision, answered });
      });
    } catch (error) {
      // The slots of those who were answered are free when their time is over.
      for (const { fail } of asking) fail(error);
    }
  }
}

/** To be called where there is no slot to give back. */
export const NO_SLOT: Answered = () => undefined;
