import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

const successes: JsonEntries<Date> = { source: 'last_successes', entry: storedTime, isPlain: true };
const known: JsonEntries<Date> = { source: 'schedules_known', entry: storedTime, isPlain: true };

/** The time of each scheduled task's last success, and the time from which its schedule is known. */
export class LastSuccesses {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  async note(successes: ReadonlyMap<string, Date>): Promise<void> {
    const fields = [...successes].flatMap(([task, at]) => [task, at.toISOString()]);
    if (fields.length > 0) await this.#redis.hset(keys.lastSuccess(), ...fields);
  }

  /** By task. One that cannot be read is left out and said: its schedule counts from when it was first seen. */
  async all(): Promise<ReadonlyMap<string, Date>> {
    const found = Object.entries(await this.#redis.hgetall(keys.lastSuccess()));
    return new Map(readNamed(found, successes, this.#onRead).items);
  }

  /**
   * The time at which each of these schedules was first seen: a new one has not failed yet. Deletes tasks that have no schedule any more. A time that cannot
   * be read is replaced by `now`, so that the schedule is watched from then on.
   */
  async knownSince(tasks: readonly string[], now: Date): Promise<ReadonlyMap<string, Date>> {
    const found = Object.entries(await this.#redis.hgetall(keys.schedulesKnownSince()));
    const { holes, items } = readNamed(found, known, this.#onRead);
    const since = new Map(items);
    const odd = new Set(holes.map(({ ids }) => ids.name));
    const fresh = tasks.filter((task) => !since.has(task));
    const gone = found.map(([task]) => task).filter((task) => !tasks.includes(task));
    await Promise.all([
      ...fresh.map((task) => {
        const write = [keys.schedulesKnownSince(), task, now.toISOString()] as const;
        return odd.has(task) ? this.#redis.hset(...write) : this.#redis.hsetnx(...write);
      }),
      gone.length > 0 ? this.#redis.hdel(keys.schedulesKnownSince(), ...gone) : undefined,
    ]);
    return new Map([...since, ...fresh.map((task) => [task, now] as const)]);
  }
}
