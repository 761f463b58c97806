import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/** The request that claimed a key. `done`: its job is, or was, in its queue. */
export type IdempotentRequest = { fingerprint: string; jobId: string; done: boolean };

/** The time for which a repeated request finds the first one's job. */
const TTL_MS = days(1);

/** The requests by `Idempotency-Key`. */
export class IdempotencyKeys {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Claims the key for this request. Returns the request that holds it: this one, or an earlier one. */
  async claim(caller: string, key: string, request: Omit<IdempotentRequest, 'done'>): Promise<IdempotentRequest> {
    const mine: IdempotentRequest = { ...request, done: false };
    const first = await this.#redis.set(keys.idempotency(caller, key), write(mine), 'PX', TTL_MS, 'NX', 'GET');
    return first === null ? mine : read(first);
  }

  async settle(caller: string, key: string, request: Omit<IdempotentRequest, 'done'>): Promise<void> {
    await this.#redis.set(keys.idempotency(caller, key), write({ ...request, done: true }), 'PX', TTL_MS);
  }
}

const write = ({ done, fingerprint, jobId }: IdempotentRequest): string =>
  JSON.stringify({ fingerprint, job_id: jobId, done });

function read(text: string): IdempotentRequest {
  const {
    done,
    fingerprint,
    job_id: jobId,
  } = JSON.parse(text) as {
    fingerprint: string;
    job_id: string;
    done: boolean;
  };
  return { fingerprint, jobId, done };
}
