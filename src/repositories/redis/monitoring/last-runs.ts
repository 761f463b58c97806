import { z } from 'zod';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntries, storedNumber, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

const LastRun = z.object({
  at: storedTime,
  ok: z.boolean(),
  seconds: storedNumber,
  error: z.exactOptional(z.string()),
});

/** The outcome of a task's latest job. */
export type LastRun = z.output<typeof LastRun>;

/** Under load, hundreds of runs end in a second; people look every few seconds. */
const WRITE_EVERY_MS = 1_000;

/** The latest run of each task, for people to read. Losing it loses no work, so it is written once a second and no run waits for it. */
export class LastRuns implements AsyncDisposable {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;
  readonly #onRead: OnRead | undefined;
  readonly #waiting = new Map<string, LastRun>();
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: RedisClient, onError: (error: unknown) => void, onRead?: OnRead) {
    this.#redis = redis;
    this.#onError = onError;
    this.#onRead = onRead;
  }

  note(task: string, run: LastRun): void {
    this.#waiting.set(task, run);
    this.#timer ??= setTimeout(() => void this.#write(), WRITE_EVERY_MS).unref();
  }

  /** The latest runs by task. One that cannot be read is left out and said, until the task's next run replaces it. */
  async all(): Promise<ReadonlyMap<string, LastRun>> {
    const found = await this.#redis.hgetall(keys.lastRuns());
    return readEntries(found, { source: 'last_runs', entry: LastRun }, this.#onRead);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    const fields = [...this.#waiting].flatMap(([task, run]) => [task, JSON.stringify(run)]);
    this.#waiting.clear();
    if (fields.length > 0) await this.#redis.hset(keys.lastRuns(), ...fields).catch(this.#onError);
  }
}
