import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** The outcome of a task's latest job. */
export type LastRun = { at: Date; ok: boolean; seconds: number; error?: string };

/** Under load, hundreds of runs end in a second; people look every few seconds. */
const WRITE_EVERY_MS = 1_000;

/** The latest run of each task, for people to read. Losing it loses no work, so it is written once a second and no run waits for it. */
export class LastRuns implements AsyncDisposable {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Map<string, LastRun>();
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: RedisClient, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#onError = onError;
  }

  note(task: string, run: LastRun): void {
    this.#waiting.set(task, run);
    this.#timer ??= setTimeout(() => void this.#write(), WRITE_EVERY_MS).unref();
  }

  /** The latest runs by task. */
  async all(): Promise<ReadonlyMap<string, LastRun>> {
    const found = await this.#redis.hgetall(keys.lastRuns());
    return new Map(Object.entries(found).map(([task, text]) => [task, read(text)]));
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

function read(text: string): LastRun {
  const { at, ...rest } = JSON.parse(text) as Omit<LastRun, 'at'> & { at: string };
  return { ...rest, at: new Date(at) };
}
