import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/** A clock that is set back by more than this may fire slots again. */
const KEPT_MS = days(2);

/** Records which slots of each schedule have fired, so that no slot fires again when a clock is set back. */
export class FiredSlotStore {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async has(task: string, slot: Date): Promise<boolean> {
    return (await this.#redis.zscore(keys.firedSlots(task), String(slot.getTime()))) !== null;
  }

  async add(task: string, slot: Date): Promise<void> {
    const key = keys.firedSlots(task);
    const ms = slot.getTime();
    await this.#redis
      .multi()
      .zadd(key, ms, String(ms))
      .zremrangebyscore(key, '-inf', ms - KEPT_MS)
      .pexpire(key, KEPT_MS)
      .exec();
  }
}
