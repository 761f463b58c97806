import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** The latest request of an admin about a broadcast. */
export type BroadcastWish = 'pause' | 'resume' | 'cancel';

export type BroadcastRecord = {
  wish: BroadcastWish | undefined;
  /** True once every row is in the table, so that no later run has to add any. */
  isQueued: boolean;
};

const Stored = z.object({ wish: z.enum(['pause', 'resume', 'cancel']).optional(), queued: z.literal('1').optional() });

/** Longer than any broadcast takes. */
const KEPT_MS = days(30);

/** The state of a broadcast that its rows do not hold. */
export class BroadcastRecords {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async find(broadcastId: string): Promise<BroadcastRecord> {
    const { queued, wish } = Stored.parse(await this.#redis.hgetall(keys.broadcast(broadcastId)));
    return { wish, isQueued: queued === '1' };
  }

  async wish(broadcastId: string, wish: BroadcastWish): Promise<void> {
    await this.#set(broadcastId, { wish });
  }

  async markQueued(broadcastId: string): Promise<void> {
    await this.#set(broadcastId, { queued: '1' });
  }

  async #set(broadcastId: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const key = keys.broadcast(broadcastId);
    await this.#redis.hset(key, fields);
    await this.#redis.pexpire(key, KEPT_MS);
  }
}
