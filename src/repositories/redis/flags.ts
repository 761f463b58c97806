import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/** Marks that expire: "this was said already". */
export class Flags {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** True for the first caller within `ttlMs`, false for the others. */
  async raise(name: string, ttlMs: number): Promise<boolean> {
    return (await this.#redis.set(keys.alert(name), '1', 'PX', ttlMs, 'NX')) === 'OK';
  }
}
