import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { backendKeys } from './keys.ts';

/** The time for which the backend itself remembers a handled invoice. */
const PROCESSED_TTL_MS = days(7);

/** The backend's Redis keys that it expects others to keep up to date. All of them expire, so a lost write does no harm. */
export class BackendKeys {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;

  constructor(redis: RedisClient, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#onError = onError;
  }

  /** Drops the backend's cached copy of a panel user. Never throws. */
  async forgetSubscription(panelUserUuid: string): Promise<void> {
    await this.#redis.del(backendKeys.subscriptionCache(panelUserUuid)).catch(this.#onError);
  }

  /** Tells the backend that this invoice was handled. Never throws. */
  async invoiceProcessed(invoiceId: string): Promise<void> {
    const key = backendKeys.cryptobotProcessed(invoiceId);
    await this.#redis.set(key, 'processed', 'PX', PROCESSED_TTL_MS).catch(this.#onError);
  }
}
