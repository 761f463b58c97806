import type { BroadcastDeliveries } from '../../repositories/history/broadcast-deliveries.ts';

/** Messages taken out of a broadcast's budget at once: one statement for so many. A killed worker loses as many at most. */
const TAKEN_AT_ONCE = 50;

/** What may be sent of a paid broadcast: so many messages marked, none marked any more, or none before staff say so. */
type Share = 'paid' | 'regular' | 'spent';

type Purse = { left: number };

/**
 * Keeps broadcasts of the paid rate within what they may cost. Every marked message counts 0.1 Stars, though Telegram takes none for those
 * within its regular rate: it never costs more than was allowed. The count stands in PostgreSQL, over all workers.
 */
export class PaidBudget {
  readonly #deliveries: Pick<BroadcastDeliveries, 'giveBackPaid' | 'takePaid'>;
  readonly #purses = new Map<string, Purse>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(deliveries: Pick<BroadcastDeliveries, 'giveBackPaid' | 'takePaid'>) {
    this.#deliveries = deliveries;
  }

  /** Takes so many messages, all or none. Throws where the count cannot be kept. */
  async take(broadcast: string, messages: number): Promise<Share> {
    const before = this.#turns.get(broadcast) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.#take(broadcast, messages));
    this.#turns.set(broadcast, turn);
    return await turn;
  }

  /** Taken, and not sent after all. */
  giveBack(broadcast: string, messages: number): void {
    this.#purseOf(broadcast).left += messages;
  }

  /** Gives back what was taken and not used, of one or of all. Never rejects: what is not given back only makes the broadcast cost less. */
  async settle(only?: string): Promise<void> {
    for (const [broadcast, { left }] of this.#purses) {
      if (only !== undefined && broadcast !== only) continue;
      this.#purses.delete(broadcast);
      this.#turns.delete(broadcast);
      if (left > 0) await this.#deliveries.giveBackPaid(broadcast, left).catch(() => undefined);
    }
  }

  async #take(broadcast: string, messages: number): Promise<Share> {
    const purse = this.#purseOf(broadcast);
    if (purse.left < messages) {
      const granted = await this.#deliveries.takePaid(broadcast, Math.max(TAKEN_AT_ONCE, messages));
      if (granted === undefined) return 'regular';
      purse.left += granted;
    }
    if (purse.left < messages) return 'spent';
    purse.left -= messages;
    return 'paid';
  }

  #purseOf(broadcast: string): Purse {
    const purse = this.#purses.get(broadcast) ?? { left: 0 };
    this.#purses.set(broadcast, purse);
    return purse;
  }
}
