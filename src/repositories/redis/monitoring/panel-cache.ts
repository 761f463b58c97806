import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Counts of the panel's users, which dashboards read from Redis. Stored as it is: times in ISO 8601, fields in `snake_case`. */
export type UserSummary = {
  total: number;
  active: number;
  disabled: number;
  expired: number;
  limited: number;
  online: number;
  updated_at: string;
};

/** Each record outlives one missed run of its task. */
const USERS_TTL_MS = minutes(15);
const NODE_TTL_MS = minutes(35);

/** Copies of the panel's answers. They expire, so that an old copy is absent and not wrong. */
export class PanelCache {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async saveUserSummary(summary: UserSummary): Promise<void> {
    await this.#redis.set(keys.userStats(), JSON.stringify(summary), 'PX', USERS_TTL_MS);
  }

  async saveNodeConfig(nodeUuid: string, config: object): Promise<void> {
    await this.#redis.set(keys.nodeConfig(nodeUuid), JSON.stringify(config), 'PX', NODE_TTL_MS);
  }
}
