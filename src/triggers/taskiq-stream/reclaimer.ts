import { Command } from 'ioredis';
import type { RedisClient } from '../../lib/redis-client.ts';
import { entriesOf, type RawEntry, type StreamEntry } from './entry.ts';
import { BATCH, type Membership } from './group.ts';

export type ReclaimerOptions = Membership & {
  redis: RedisClient;
  /** An entry is taken over when its consumer has not asked, and the entry has not moved, for this long. */
  idleMs: number;
  /** How long a lock of the Python workers is respected after it was first seen. */
  respectLockMs: number;
  /** Entries that this process is working on, or has handed over but could not acknowledge yet. */
  isInHand(id: string): boolean;
};

/**
 * Takes over pending entries of dead consumers, and entries that we ourselves could not hand over.
 *
 * It uses XPENDING and XCLAIM instead of XAUTOCLAIM, which checks the entry's idle time only. XAUTOCLAIM would also take an entry that a
 * living Python worker, which acknowledges at the end, has been working on for a minute. XCLAIM checks the idle time again as it claims, so
 * two workers never both get an entry. Before Redis 7.2 a consumer counts as silent when it was given nothing for that long, even while it
 * asks; there a long Python task may run a second time.
 */
export class Reclaimer {
  readonly #options: ReclaimerOptions;
  #lockSeenAt: number | undefined;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  /** Entries that can be taken over now, in batches; each batch is claimed when it is asked for. */
  async *claim(): AsyncGenerator<StreamEntry[]> {
    if (await this.#isLocked()) return;
    for (const owner of await this.#silentOwners()) yield* this.#claimFrom(owner);
  }

  /** Python workers lock while they claim; a worker that was killed leaves its lock forever (no expiry). */
  async #isLocked(): Promise<boolean> {
    const { redis, stream, group, respectLockMs } = this.#options;
    if ((await redis.exists(`autoclaim:${group}:${stream}`)) === 0) {
      this.#lockSeenAt = undefined;
      return false;
    }
    const now = performance.now();
    this.#lockSeenAt ??= now;
    return now - this.#lockSeenAt < respectLockMs;
  }

  async #silentOwners(): Promise<string[]> {
    const { redis, stream, group, consumer, idleMs } = this.#options;
    const flat = (await redis.xinfo('CONSUMERS', stream, group)) as (string | number)[][];
    const consumers = flat.map(
      (one) => Object.fromEntries(one.flatMap((name, i) => (i % 2 === 0 ? [[name, one[i + 1]]] : []))) as Consumer,
    );
    return consumers
      .filter(({ name, pending, idle }) => pending > 0 && (name === consumer || idle >= idleMs))
      .map(({ name }) => name);
  }

  async *#claimFrom(owner: string): AsyncGenerator<StreamEntry[]> {
    const { redis, stream, group, consumer, idleMs, isInHand } = this.#options;
    for (let from = '-', full = true; full; ) {
      const page = (await redis.xpending(stream, group, 'IDLE', idleMs, from, '+', BATCH, owner)) as Pending[];
      full = page.length === BATCH;
      from = `(${page.at(-1)?.[0]}`;
      const wanted = page.filter(([id]) => !isInHand(id));
      if (wanted.length === 0) continue;
      const ids = wanted.map(([id]) => id);
      // `xclaim` knows no Buffer form, and `callBuffer` loses the command's name under auto-pipelining (ioredis 6.0.0).
      const claimCommand = new Command('XCLAIM', [stream, group, consumer, idleMs, ...ids], { replyEncoding: null });
      const claimed = (await redis.sendCommand(claimCommand)) as RawEntry[];
      const deliveries = new Map(wanted.map(([id, , , count]) => [id, count + 1]));
      yield entriesOf(claimed, (id) => deliveries.get(id) ?? 1);
    }
  }
}

type Consumer = { name: string; pending: number; idle: number };
type Pending = [id: string, owner: string, idleMs: number, deliveries: number];
