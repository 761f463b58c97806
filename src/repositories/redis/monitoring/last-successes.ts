import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** The time of each scheduled task's last success, and the time from which its schedule is known. */
export class LastSuccesses {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async note(successes: ReadonlyMap<string, Date>): Promise<void> {
    const fields = [...successes].flatMap(([task, at]) => [task, at.toISOString()]);
    if (fields.length > 0) await this.#redis.hset(keys.lastSuccess(), ...fields);
  }

  async all(): Promise<ReadonlyMap<string, Date>> {
    return read(await this.#redis.hgetall(keys.lastSuccess()));
  }

  /**
   * The time at which each of these schedules was first seen: a new one has not failed yet. Deletes tasks that have no schedule any more.
   */
  async knownSince(tasks: readonly string[], now: Date): Promise<ReadonlyMap<string, Date>> {
    const known = read(await this.#redis.hgetall(keys.schedulesKnownSince()));
    const fresh = tasks.filter((task) => !known.has(task));
    const gone = [...known.keys()].filter((task) => !tasks.includes(task));
    await Promise.all([
      ...fresh.map((task) => this.#redis.hsetnx(keys.schedulesKnownSince(), task, now.toISOString())),
      gone.length > 0 ? this.#redis.hdel(keys.schedulesKnownSince(), ...gone) : undefined,
    ]);
    return new Map([...known, ...fresh.map((task) => [task, now] as const)]);
  }
}

const read = (fields: Readonly<Record<string, string>>): Map<string, Date> =>
  new Map(Object.entries(fields).map(([task, at]) => [task, new Date(at)]));
