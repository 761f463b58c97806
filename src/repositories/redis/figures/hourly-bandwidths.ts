import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Hours are kept for 30 days: docs/figures.md. */
const TTL_MS = days(30);

/** One hour of one node. Bytes and bytes per second; null where no sample covers any part of the hour. */
export type HourlyBandwidth = {
  node_uuid: string;
  /** `YYYY-MM-DDTHH`, UTC. */
  hour: string;
  /** Bytes. */
  sum: number | null;
  /** Bytes per second. */
  avg: number | null;
  max: number | null;
  min: number | null;
  /** The number of samples that cover a part of the hour. */
  samples: number;
  /** The number of samples in a complete hour. */
  expected: number;
  /** Seconds of the hour that the samples cover. */
  covered_seconds: number;
};

/** The traffic of the nodes by hour, kept for 30 days. */
export class HourlyBandwidths {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save(record: HourlyBandwidth): Promise<void> {
    const key = keys.bandwidthHourly(record.node_uuid, record.hour);
    await this.#redis.set(key, JSON.stringify(record), 'PX', TTL_MS);
  }

  /** The records of these hours; hours without a record are absent. */
  async of(nodeUuid: string, hours: readonly string[]): Promise<HourlyBandwidth[]> {
    const texts = await Promise.all(
      hours.map((hour) => this.#redis.get(keys.bandwidthHourly(nodeUuid, hour)).catch(ignoreHash)),
    );
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as HourlyBandwidth]));
  }
}

/** The Python worker wrote hashes under these names. */
function ignoreHash(error: unknown): null {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
  throw error;
}
