import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

const TTL_MS = days(90);

/** Financial figures by UTC day, `YYYY-MM-DD`, kept for 90 days. */
export class PaymentFigures {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save(date: string, figures: object): Promise<void> {
    await this.#redis.set(keys.paymentStats(date), JSON.stringify({ date, ...figures }), 'PX', TTL_MS);
  }
}
