import type { RedisClient } from '../../lib/redis-client.ts';
import type { Membership } from './group.ts';

/** Acknowledges entries, many with one XACK: entries that arrive during a call go with the next one. */
export class Acknowledgements {
  readonly #redis: RedisClient;
  readonly #membership: Membership;
  readonly #waiting = new Set<string>();
  #flushing: Promise<void> | undefined;

  constructor(redis: RedisClient, membership: Membership) {
    this.#redis = redis;
    this.#membership = membership;
  }

  /** Whether this entry is handled and only its acknowledgement is missing. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Resolves when Redis has it. Rejects where Redis could not be told: the entry then goes with the next call, or with `flush`. */
  async add(id: string): Promise<void> {
    this.#waiting.add(id);
    // The call in progress may have left without it.
    while (this.#waiting.has(id)) await this.#sent();
  }

  /** Sends acknowledgements that could not be sent before. */
  async flush(): Promise<void> {
    if (this.#waiting.size > 0) await this.#sent();
  }

  async #sent(): Promise<void> {
    this.#flushing ??= this.#send().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async #send(): Promise<void> {
    // Entries of one batch settle in the same turn of the event loop: one turn later all of them are here.
    await new Promise(setImmediate);
    const ids = [...this.#waiting];
    const { stream, group } = this.#membership;
    await this.#redis.xack(stream, group, ...ids);
    for (const id of ids) this.#waiting.delete(id);
  }
}
