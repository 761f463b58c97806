import { setTimeout as delay } from 'node:timers/promises';

/** Most messages that share one round trip; keeps the script far below a millisecond. */
export const MAX_BATCH = 32;

/** To be called when the answer has come, or none will: the next message counts from then. Must not throw. */
export type Answered = () => void;

/** `chat_busy`: this chat has its turn in `waitMs`; no place in the global rate was used. */
export type Grant = { kind: 'granted'; answered: Answered } | { kind: 'chat_busy'; waitMs: number };

/** For one message: it has its place in `waitMs`, or what holds it up for so long. */
export type Decision = { reason: 'granted' | 'chat' | 'rate' | 'pause'; waitMs: number };

/**
 * `waitsForChat: false`: where the chat's own limit is in the way, its message gives way to others. `isRepeat`: Telegram has just refused
 * the message, so it counts for its chat already.
 */
export type Waiter = { chatId: number; waitsForChat: boolean; isRepeat: boolean };

type Pending = Waiter & {
  signal: AbortSignal;
  settle(grant: Grant): void;
  fail(error: unknown): void;
};

export type Places = {
  /** A reservation waits so long for more messages that go with it, in ms. 0: it waits for none. */
  companyMs: number;
  reserve(waiters: readonly Waiter[]): Promise<readonly Decision[]>;
  /** Asked when a reserved place has come. */
  confirm(): Promise<Decision & { answered: Answered }>;
};

/**
 * Those who wait for a turn in one process and lane, first come, first served. Only one reservation runs at a time
 * and takes all who came meanwhile along, so a message costs at most one, however many wait.
 */
export class TurnQueue {
  readonly #places: Places;
  #waiting: Pending[] = [];
  #pumping: Promise<void> | undefined;
  #wake = (): void => {};

  constructor(places: Places) {
    this.#places = places;
  }

  async wait(waiter: Waiter, signal: AbortSignal): Promise<Grant> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Grant>();
    const pending: Pending = { ...waiter, signal, settle: resolve, fail: reject };
    const abort = (): void => {
      this.#waiting = this.#waiting.filter((one) => one !== pending);
      if (this.#waiting.length === 0) this.#wake();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.push(pending);
    this.#startPump();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #startPump(): void {
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined;
      if (this.#waiting.length > 0) this.#startPump();
    });
  }

  /** Reserves for the first in line until nobody waits; sleeps where the rate or a pause holds everyone up. */
  async #pump(): Promise<void> {
    const { companyMs } = this.#places;
    while (this.#waiting.length > 0) {
      if (companyMs > 0 && this.#waiting.length < MAX_BATCH) await delay(companyMs);
      const batch = this.#waiting.slice(0, MAX_BATCH);
      if (batch.length === 0) return;
      let decisions: readonly Decision[];
      try {
        decisions = await this.#places.reserve(batch);
      } catch (error) {
        this.#remove(batch);
        for (const pending of batch) pending.fail(error);
        continue;
      }
      this.#remove(batch.filter((_, i) => isSettled(decisions[i]!)));
      batch.forEach((pending, i) => {
        this.#act(pending, decisions[i]!);
      });
      const held = decisions.find((decision) => !isSettled(decision));
      if (held && this.#waiting.length > 0) await this.#sleep(held.waitMs);
    }
  }

  #act(pending: Pending, { reason, waitMs }: Decision): void {
    if (pending.signal.aborted) return;
    if (reason === 'chat' && !pending.waitsForChat) pending.settle({ kind: 'chat_busy', waitMs });
    else if (reason === 'chat') this.#later(pending, waitMs, () => this.#rejoin(pending));
    else if (reason === 'granted') this.#later(pending, waitMs, () => void this.#goOut(pending));
  }

  /** The place has come: out with it, unless it must wait a little more, or a pause has begun and a new place is needed. */
  async #goOut(pending: Pending): Promise<void> {
    try {
      const { answered, reason, waitMs } = await this.#places.confirm();
      if (pending.signal.aborted) return answered();
      if (reason === 'granted') pending.settle({ kind: 'granted', answered });
      else if (reason === 'rate') this.#later(pending, waitMs, () => void this.#goOut(pending));
      else this.#rejoin(pending);
    } catch (error) {
      pending.fail(error);
    }
  }

  /** Back to the head of the line: those who come back were first once. */
  #rejoin(pending: Pending): void {
    this.#waiting.unshift(pending);
    this.#startPump();
  }

  #later(pending: Pending, waitMs: number, act: () => void): void {
    if (waitMs <= 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      pending.signal.removeEventListener('abort', cancel);
      act();
    }, Math.ceil(waitMs));
    const cancel = (): void => clearTimeout(timer);
    pending.signal.addEventListener('abort', cancel, { once: true });
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.ceil(ms));
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  #remove(gone: readonly Pending[]): void {
    const left = new Set(gone);
    this.#waiting = this.#waiting.filter((pending) => !left.has(pending));
  }
}

/** Out of the line, one way or the other; all others wait for the rate or for the end of a pause. */
function isSettled({ reason }: Decision): boolean {
  return reason === 'granted' || reason === 'chat';
}
