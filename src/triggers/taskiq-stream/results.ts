import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { isServerAway } from '../../lib/server-away.ts';
import { pickle } from './pickle.ts';

/** The outcome of a job, as its producer is told. */
export type TaskiqOutcome = {
  /** All labels of the message. */
  readonly labels: Readonly<Record<string, unknown>>;
  readonly executionMs: number;
} & (
  | { readonly returnValue: unknown }
  /** `name` is that of the error's class, `message` its sentence. */
  | { readonly error: { readonly name: string; readonly message: string } }
);

export type TaskiqResultsOptions = {
  redis: RedisClient;
  /** The format that the producer's `RedisAsyncResultBackend` reads: `pickle` is its default, `json` its `JSONSerializer`. */
  format: 'pickle' | 'json';
  /** How long a result waits for its producer, in seconds. */
  ttlSeconds: number;
};

/** The delays after which a result that Redis did not take is stored again. */
const STORE_AGAIN_AFTER_MS = [seconds(1), seconds(2), seconds(4), seconds(8), seconds(15)] as const;

/** Writes results where Python's `RedisAsyncResultBackend` (taskiq-redis 1.2) looks for them: under the bare task id. */
export class TaskiqResults {
  readonly #options: TaskiqResultsOptions;

  constructor(options: TaskiqResultsOptions) {
    this.#options = options;
  }

  /** Stores the outcome; the last one stored under an id stands. Throws `PermanentError` for a value that cannot be written. */
  async store(taskId: string, outcome: TaskiqOutcome): Promise<void> {
    const { redis, format, ttlSeconds } = this.#options;
    await redis.set(taskId, encodeResult(outcome, format), 'EX', ttlSeconds);
  }

  /**
   * Stores the outcome again while Redis is away, for half a minute: the job cannot end before Redis is back either. Rejects with the last
   * error.
   */
  async storeInsistently(taskId: string, outcome: TaskiqOutcome): Promise<void> {
    for (const waitMs of STORE_AGAIN_AFTER_MS) {
      try {
        return await this.store(taskId, outcome);
      } catch (error) {
        if (!isServerAway(error)) throw error;
        await sleep(waitMs);
      }
    }
    await this.store(taskId, outcome);
  }
}

/** `TaskiqResult` of taskiq/result/result.py, in the form of its `model_dump(mode='json')`. */
export function encodeResult(outcome: TaskiqOutcome, format: 'pickle' | 'json'): Buffer {
  const failed = 'error' in outcome;
  const record = {
    is_err: failed,
    log: null,
    return_value: failed ? null : (outcome.returnValue ?? null),
    execution_time: Math.round(outcome.executionMs / 10) / 100,
    labels: outcome.labels,
    error: failed ? exceptionRepr(outcome.error) : null,
  };
  return format === 'pickle' ? pickle(record) : Buffer.from(JSON.stringify(record, bigintAsNumber));
}

/** Exceptions that Python itself has, so that a producer can catch them by class. */
const BUILTIN: ReadonlyMap<string, string> = new Map([
  ['Error', 'Exception'],
  ['TimeoutError', 'TimeoutError'],
]);

/**
 * `ExceptionRepr` of taskiq/serialization.py: plain types, also within a pickle. Where the reader cannot find `exc_module`,
 * `exception_to_python` makes a subclass of `Exception` with the name `exc_type`, so that `PermanentError('…')` arrives as
 * `PermanentError('…')`.
 */
function exceptionRepr({ name, message }: { name: string; message: string }): Readonly<Record<string, unknown>> {
  const builtin = BUILTIN.get(name);
  return {
    exc_type: builtin ?? name,
    exc_message: [message],
    exc_module: builtin ? 'builtins' : 'cybervpn_task_worker',
    exc_cause: null,
    exc_context: null,
    exc_suppress_context: false,
  };
}

/** Python reads integers of any size. */
function bigintAsNumber(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(value.toString()) : value;
}

/** In Node since 22; TypeScript's library does not know it yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}
