import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Far longer than the panel takes to act, and than the task waits to read the result. */
const KEPT_MS = days(2);

/** A field name that no panel user's id can have. */
const FIRST = 'first';

/**
 * The users whose monthly traffic reset was requested, and when. The panel's `lastTrafficResetAt` says which are done. These records only
 * bridge the time until the panel's queue has done it, so that no reset is requested twice.
 */
export class TrafficResets {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** The time of each user's request, in the order given; undefined where there was none. `month` = `YYYY-MM`. */
  async askedAt(month: string, userIds: readonly string[]): Promise<(Date | undefined)[]> {
    if (userIds.length === 0) return [];
    const found = await this.#redis.hmget(keys.trafficResets(month), ...userIds);
    return found.map((time) => (time ? new Date(Number(time)) : undefined));
  }

  /** Records the requests. Call it before the call to the panel. */
  async ask(month: string, userIds: readonly string[], at: Date): Promise<void> {
    const fields = Object.fromEntries(userIds.map((id) => [id, at.getTime()]));
    await this.#redis.hsetnx(keys.trafficResets(month), FIRST, at.getTime());
    await this.#redis.hset(keys.trafficResets(month), fields);
    await this.#redis.pexpire(keys.trafficResets(month), KEPT_MS);
  }

  /** The time of the month's first request; undefined where there was none. */
  async firstAskedAt(month: string): Promise<Date | undefined> {
    const time = await this.#redis.hget(keys.trafficResets(month), FIRST);
    return time === null ? undefined : new Date(Number(time));
  }

  /** Deletes the requests of a month; nothing more is expected of them. */
  async forget(month: string): Promise<void> {
    await this.#redis.del(keys.trafficResets(month));
  }

  /** Deletes the requests that the panel refused. */
  async withdraw(month: string, userIds: readonly string[]): Promise<void> {
    await this.#redis.hdel(keys.trafficResets(month), ...userIds);
  }
}
