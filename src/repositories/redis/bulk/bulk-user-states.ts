import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import { holeInWords } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntries } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** What the panel showed before the first call: for the receipt, also where a later run finds that the call was heard. */
const Was = z.object({
  username: z.string(),
  status: z.string().optional(),
  expire_at: z.string(),
  used_traffic_bytes: z.number(),
  traffic_limit_bytes: z.number(),
  telegram_id: z.number().optional(),
});
export type BulkUserWas = z.output<typeof Was>;

const UserState = z.discriminatedUnion('state', [
  /** The panel was asked at that time (ms since the epoch) and has not answered: it may or may not have done it. */
  z.object({ state: z.literal('begun'), at: z.number(), tries: z.int(), was: Was.optional() }),
  /** The call failed and will be repeated. With `at`, an earlier call at that time may have done it, and its answer was lost. */
  z.object({
    state: z.literal('waiting'),
    tries: z.int(),
    reason: z.string(),
    at: z.number().optional(),
    was: Was.optional(),
  }),
  z.object({ state: z.literal('done') }),
  /** The user was in the wanted state before. */
  z.object({ state: z.literal('already') }),
  z.object({ state: z.literal('failed'), reason: z.string() }),
]);

/** The state of one user in a bulk operation. */
export type BulkUserState = z.output<typeof UserState>;

/** Longer than any bulk operation takes, and than its dead letter is likely to wait for a replay. */
const KEPT_MS = days(7);

/**
 * The state of each user in a bulk operation, so that a run continues where a killed one stopped. Every operation can be repeated without
 * harm, so losing this loses no work. No method throws.
 */
export class BulkUserStates {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;

  constructor(redis: RedisClient, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#onError = onError;
  }

  /** The states by user id; empty when nothing is recorded. One that cannot be read counts as not recorded, and is an error of its own. */
  async of(jobId: string): Promise<Map<string, BulkUserState>> {
    try {
      const found = await this.#redis.hgetall(keys.bulkUsers(jobId));
      return readEntries(found, { source: 'bulk_user_states', entry: UserState }, ({ holes }) => {
        for (const hole of holes)
          this.#onError(new Error(`bulk ${jobId}: the state of ${hole.item}: ${holeInWords(hole)}`));
      });
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
