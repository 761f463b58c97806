import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

const time = z.iso.datetime().transform((text) => new Date(text));

const Stored = z
  .object({
    name: z.string(),
    status: z.enum(['up', 'failing', 'down']),
    latency_ms: z.number().optional(),
    failures: z.int(),
    since: time,
    checked_at: time,
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

const TTL_MS = days(1);

/** The state of every outside service. */
export class ServiceHealthStore {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  keyOf(name: string): string {
    return keys.serviceHealth(name);
  }

  async find(name: string): Promise<ServiceRecord | undefined> {
    const text = await this.#redis.get(keys.serviceHealth(name));
    return text === null ? undefined : read(text);
  }

  async save(record: ServiceRecord): Promise<void> {
    const { checkedAt: checked_at, latencyMs: latency_ms, ...rest } = record;
    const text = JSON.stringify({ ...rest, latency_ms, checked_at });
    await this.#redis.set(keys.serviceHealth(record.name), text, 'PX', TTL_MS);
  }
}

/** A record of another shape (the Python worker's) counts as none. */
function read(text: string): ServiceRecord | undefined {
  try {
    return Stored.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
