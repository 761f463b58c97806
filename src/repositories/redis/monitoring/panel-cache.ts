import { minutes } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** What dashboards read of the panel without asking it. Times as ISO 8601, fields in `snake_case`, as they are stored. */
export type UserSummary = {
  total: number;
  active: number;
  disabled: number;
  expired: number;
  limited: number;
  online: number;
  updated_at: string;
};

/** interfaces.md: each outlives one missed run of its task. */
const USERS_TTL_MS = minutes(15);
const NODE_TTL_MS = minutes(35);

/** Copies of the panel's answers that expire by themselves: an old one is gone, not wrong. */
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
