import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readNamed, storedNumber } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** Hours are kept for 30 days: docs/figures.md. */
const TTL_MS = days(30);

const HourlyBandwidth = z.object({
  node_uuid: z.string(),
  /** `YYYY-MM-DDTHH`, UTC. */
  hour: z.string(),
  /** Bytes. */
  sum: storedNumber.nullable(),
  /** Bytes per second. */
  avg: storedNumber.nullable(),
  max: storedNumber.nullable(),
  min: storedNumber.nullable(),
  /** The number of samples that cover a part of the hour. */
  samples: storedNumber,
  /** The number of samples in a complete hour. */
  expected: storedNumber,
  /** Seconds of the hour that the samples cover. */
  covered_seconds: storedNumber,
});

/** One hour of one node. Bytes and bytes per second; null where no sample covers any part of the hour. */
export type HourlyBandwidth = z.output<typeof HourlyBandwidth>;

/** The traffic of the nodes by hour, kept for 30 days. */
export class HourlyBandwidths {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  async save(record: HourlyBandwidth): Promise<void> {
    const key = keys.bandwidthHourly(record.node_uuid, record.hour);
    await this.#redis.set(key, JSON.stringify(record), 'PX', TTL_MS);
  }

  /** The records of these hours; hours without a record are absent, and so are those that cannot be read, which is said. */
  async of(nodeUuid: string, hours: readonly string[]): Promise<HourlyBandwidth[]> {
    const wanted = hours.map((hour) => keys.bandwidthHourly(nodeUuid, hour));
    const texts = await Promise.all(wanted.map((key) => this.#redis.get(key).catch(ignoreHash)));
    const found = wanted.flatMap((key, i) => (texts[i] == null ? [] : [[key, texts[i]] as const]));
    const { items } = readNamed(found, { source: 'hourly_bandwidths', entry: HourlyBandwidth }, this.#onRead);
    return items.map(([, record]) => record);
  }
}

/** The Python worker wrote hashes under these names. */
function ignoreHash(error: unknown): null {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
  throw error;
}
