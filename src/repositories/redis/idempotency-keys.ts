import { z } from 'zod';
import { days } from '../../lib/duration.ts';
import type { OnRead } from '../../lib/read-each.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { readEntry } from './json-entries.ts';
import { keys } from './keys.ts';

/** The request that claimed a key. `done`: its job is, or was, in its queue. */
export type IdempotentRequest = { fingerprint: string; jobId: string; done: boolean };

const Stored = z
  .object({ fingerprint: z.string(), job_id: z.string(), done: z.boolean() })
  .transform(({ job_id: jobId, ...rest }) => ({ ...rest, jobId }));

/** The time for which a repeated request finds the first one's job. */
const TTL_MS = days(1);

/** The requests by `Idempotency-Key`. */
export class IdempotencyKeys {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /**
   * Claims the key for this request. Returns the request that holds it: this one, or an earlier one. Undefined where the earlier one cannot be
   * read, so that nobody knows whether it was the same.
   */
  async claim(
    caller: string,
    key: string,
    request: Omit<IdempotentRequest, 'done'>,
  ): Promise<IdempotentRequest | undefined> {
    const mine: IdempotentRequest = { ...request, done: false };
    const stored = keys.idempotency(caller, key);
    const first = await this.#redis.set(stored, write(mine), 'PX', TTL_MS, 'NX', 'GET');
    if (first === null) return mine;
    return readEntry(stored, first, { source: 'idempotency_keys', entry: Stored }, this.#onRead);
  }

  async settle(caller: string, key: string, request: Omit<IdempotentRequest, 'done'>): Promise<void> {
    await this.#redis.set(keys.idempotency(caller, key), write({ ...request, done: true }), 'PX', TTL_MS);
  }
}

const write = ({ done, fingerprint, jobId }: IdempotentRequest): string =>
  JSON.stringify({ fingerprint, job_id: jobId, done });
