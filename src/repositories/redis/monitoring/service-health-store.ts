import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readEntry, storedNumber, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

const Stored = z
  .object({
    name: z.string(),
    status: z.enum(['up', 'failing', 'down']),
    latency_ms: storedNumber.optional(),
    failures: z.int(),
    since: storedTime,
    checked_at: storedTime,
    error: z.string().optional(),
  })
  .transform(({ checked_at: checkedAt, latency_ms: latencyMs, ...rest }) => ({ ...rest, latencyMs, checkedAt }));

/** The state of an outside service. `failing`: the last checks failed, but too few to call it down. */
export type ServiceRecord = {
  name: string;
  status: 'up' | 'failing' | 'down';
  /** The latency of the last answer; absent where there was none. */
  latencyMs?: number | undefined;
  /** Failed checks in a row. */
  failures: number;
  /** The time from which it answers, or does not. */
  since: Date;
  checkedAt: Date;
  error?: string | undefined;
};

/** Records of the Python worker are taken over apart. */
const states: JsonEntries<ServiceRecord> = {
  source: 'service_states',
  entry: Stored,
  foreign: z.object({ is_up: z.boolean() }),
};

const TTL_MS = days(1);

/** The state of every outside service. */
export class ServiceHealthStore {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  keyOf(name: string): string {
    return keys.serviceHealth(name);
  }

  /** Undefined where nothing is known: no check was noted in the last day, or its record cannot be read, which is said. */
  async find(name: string): Promise<ServiceRecord | undefined> {
    const text = await this.#redis.get(keys.serviceHealth(name));
    if (text === null) return undefined;
    return readEntry(keys.serviceHealth(name), text, states, this.#onRead);
  }

  async save(record: ServiceRecord): Promise<void> {
    const { checkedAt: checked_at, latencyMs: latency_ms, ...rest } = record;
    const text = JSON.stringify({ ...rest, latency_ms, checked_at });
    await this.#redis.set(keys.serviceHealth(record.name), text, 'PX', TTL_MS);
  }
}
