import { days } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { keys } from './keys.ts';

/** What was begun under a key. `done`: the job is in its queue, or was. */
export type IdempotentRequest = { fingerprint: string; jobId: string; done: boolean };

/** For so long a repeated request finds the first one's job. */
const TTL_MS = days(1);

/** Which request was made under which `Idempotency-Key`. */
export class IdempotencyKeys {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Claims the key for this request. Answers what stands under it: this one for the first, the first one's for every later. */
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
