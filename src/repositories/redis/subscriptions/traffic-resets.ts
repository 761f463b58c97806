import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Far longer than the panel takes to act and than a confirmation by reading waits. */
const KEPT_MS = days(2);

/** A field that no panel user's id can be. */
const FIRST = 'first';

/**
 * Whose monthly traffic reset was asked for and when. The panel's own `lastTrafficResetAt` says what is done; this only bridges the time
 * until the panel's queue has done it, so that nobody is asked for twice meanwhile.
 */
export class TrafficResets {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** When each was asked for, in the order given; undefined where it was not. `month` = `YYYY-MM`. */
  async askedAt(month: string, userIds: readonly string[]): Promise<(Date | undefined)[]> {
    if (userIds.length === 0) return [];
    const found = await this.#redis.hmget(keys.trafficResets(month), ...userIds);
    return found.map((time) => (time ? new Date(Number(time)) : undefined));
  }

  /** Records the intent; call it before the panel is asked. */
  async ask(month: string, userIds: readonly string[], at: Date): Promise<void> {
    const fields = Object.fromEntries(userIds.map((id) => [id, at.getTime()]));
    await this.#redis.hsetnx(keys.trafficResets(month), FIRST, at.getTime());
    await this.#redis.hset(keys.trafficResets(month), fields);
    await this.#redis.pexpire(keys.trafficResets(month), KEPT_MS);
  }

  /** When the first of the month was asked for; undefined where none was. */
  async firstAskedAt(month: string): Promise<Date | undefined> {
    const time = await this.#redis.hget(keys.trafficResets(month), FIRST);
    return time === null ? undefined : new Date(Number(time));
  }

  /** Nothing more is expected of what was asked for. */
  async forget(month: string): Promise<void> {
    await this.#redis.del(keys.trafficResets(month));
  }

  /** The panel did not take these. */
  async withdraw(month: string, userIds: readonly string[]): Promise<void> {
    await this.#redis.hdel(keys.trafficResets(month), ...userIds);
  }
}
