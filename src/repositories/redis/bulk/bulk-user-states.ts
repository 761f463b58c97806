import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

const UserState = z.discriminatedUnion('state', [
  /** Asked for at that time (ms since the epoch) and not heard of since: the panel may or may not have done it. */
  z.object({ state: z.literal('begun'), at: z.number(), tries: z.int() }),
  /** Failed for now; is tried again. */
  z.object({ state: z.literal('waiting'), tries: z.int(), reason: z.string() }),
  z.object({ state: z.literal('done') }),
  /** Was so before. */
  z.object({ state: z.literal('already') }),
  z.object({ state: z.literal('failed'), reason: z.string() }),
]);

/** How far one user of a bulk operation is. */
export type BulkUserState = z.output<typeof UserState>;

/** Longer than any bulk operation, and than a dead letter of one is likely to wait for its replay. */
const KEPT_MS = days(7);

/**
 * What became of each user of a bulk operation, so that a run goes on where a killed one stopped. Every operation may be repeated
 * without harm, so losing this loses no work: nothing here ever throws.
 */
export class BulkUserStates {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;

  constructor(redis: RedisClient, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#onError = onError;
  }

  /** By user id; empty where nothing is known. */
  async of(jobId: string): Promise<Map<string, BulkUserState>> {
    try {
      const found = await this.#redis.hgetall(keys.bulkUsers(jobId));
      return new Map(Object.entries(found).map(([id, text]) => [id, UserState.parse(JSON.parse(text))]));
    } catch (error) {
      this.#onError(error);
      return new Map();
    }
  }

  async set(jobId: string, states: ReadonlyMap<string, BulkUserState>): Promise<void> {
    if (states.size === 0) return;
    const fields = [...states].flatMap(([id, state]) => [id, JSON.stringify(state)]);
    const key = keys.bulkUsers(jobId);
    await Promise.all([this.#redis.hset(key, fields), this.#redis.pexpire(key, KEPT_MS)]).catch(this.#onError);
  }
}
