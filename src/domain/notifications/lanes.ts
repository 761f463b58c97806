import { sleepUnless } from '../../lib/deadline.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { Batch, Claims } from './claims.ts';
import { grouped } from './message-groups.ts';
import { UNCLEAR_AGAIN_MS } from './policy.ts';
import type { Settlement } from './settlement.ts';

export type LanesOptions = {
  claims: Claims;
  settlement: Pick<Settlement, 'stillToSend'>;
  /** Sends rows that leave as one message, where that begins before `sendBefore`. Never rejects. */
  send(group: readonly DueNotification[], sendBefore: number): Promise<void>;
  /** Sends in progress at once in one lane. */
  inFlight(): number;
  /** False once the run is over. */
  mayGoOn(): Promise<boolean>;
  signal: AbortSignal;
};

type InFlight = Set<Promise<void>>;

/** How long an idle urgent lane waits before it looks again; slower where looking is expensive. */
const URGENT_LOOK_MS = 400;
const URGENT_LOOK_SHARE = 10;

/** Two lanes side by side: one sends all that is due, the other what is urgent, which must not wait behind the work of the first one. */
export class Lanes {
  readonly #options: LanesOptions;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** True once nothing is due any more; false where the run was over before. */
  async run(): Promise<boolean> {
    const normalIsDone = new AbortController();
    // The first claim takes the most urgent rows. A second one beside it would take some of them away, and split alerts that belong together.
    const { promise: firstClaim, resolve: hasClaimed } = Promise.withResolvers<void>();
    const normal = this.#normal(hasClaimed).finally(() => {
      hasClaimed();
      normalIsDone.abort();
    });
    const [finished, urgent] = await Promise.allSettled([
      normal,
      firstClaim.then(() => this.#urgent(normalIsDone.signal)),
    ]);
    if (finished.status === 'rejected') throw finished.reason;
    if (urgent.status === 'rejected') throw urgent.reason;
    // The urgent lane may have put a row off when the normal one had seen the last.
    return finished.value && (!this.#options.claims.isAwaitingPutOff || (await this.#normal()));
  }

  /** Sends all that is due, most urgent first, and calls `hasClaimed` after each claim. True once nothing is due any more. */
  async #normal(hasClaimed?: () => void): Promise<boolean> {
    const { claims, mayGoOn } = this.#options;
    const inFlight: InFlight = new Set();
    try {
      while (await mayGoOn()) {
        const batch = await claims.next('any');
        hasClaimed?.();
        await this.#sendAll(batch, inFlight);
        if (batch.claimed > 0) continue;
        if (inFlight.size > 0) await Promise.all(inFlight);
        else if (claims.isAwaitingPutOff) await claims.waitForPutOff();
        else return true;
      }
      return false;
    } finally {
      await Promise.all(inFlight);
    }
  }

  /** Looks for what is urgent, again and again until the normal lane is done. */
  async #urgent(normalIsDone: AbortSignal): Promise<void> {
    const { claims, mayGoOn, signal } = this.#options;
    const inFlight: InFlight = new Set();
    try {
      while (!normalIsDone.aborted && (await mayGoOn())) {
        const startedAt = performance.now();
        const batch = await claims.next('urgent');
        await this.#sendAll(batch, inFlight);
        const cost = (performance.now() - startedAt) * URGENT_LOOK_SHARE;
        if (batch.claimed === 0) await sleepUnless(Math.max(URGENT_LOOK_MS, cost), signal, normalIsDone);
      }
    } finally {
      await Promise.all(inFlight);
    }
  }

  /** Where Redis does not say what is still to be sent, the rows are due again at once instead of waiting out their lease. */
  async #stillToSend(rows: readonly DueNotification[]): Promise<DueNotification[]> {
    const { claims, settlement } = this.#options;
    try {
      const { open, unclear } = await settlement.stillToSend(rows);
      claims.leave(unclear, UNCLEAR_AGAIN_MS);
      return open;
    } catch (error) {
      claims.handBack(rows);
      throw error;
    }
  }

  /** Begins to send all, as fast as places in flight become free; messages of one chat one after the other, so that they keep their order. */
  async #sendAll({ rows, sendBefore }: Batch, inFlight: InFlight): Promise<void> {
    const lastOfChat = new Map<number, Promise<void>>();
    for (const group of grouped(await this.#stillToSend(rows))) {
      while (inFlight.size >= this.#options.inFlight()) await Promise.race(inFlight);
      const chat = group[0]!.telegramId;
      const send = (): Promise<void> => this.#options.send(group, sendBefore);
      const before = lastOfChat.get(chat) ?? Promise.resolve();
      const sending = before.then(send).finally(() => inFlight.delete(sending));
      lastOfChat.set(chat, sending);
      inFlight.add(sending);
    }
  }
}
