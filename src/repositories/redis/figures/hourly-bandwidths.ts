import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** tasks.md 5.2. */
const TTL_MS = days(30);

/** One hour of one node. Bytes and bytes per second; null where no sample covers any of the hour. */
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
  /** Samples that say something of the hour. */
  samples: number;
  /** Samples that a whole hour has. */
  expected: number;
  /** Seconds of the hour that the samples cover. */
  covered_seconds: number;
};

/** Traffic of the nodes by hour, kept for 30 days. */
export class HourlyBandwidths {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async save(record: HourlyBandwidth): Promise<void> {
    const key = keys.bandwidthHourly(record.node_uuid, record.hour);
    await this.#redis.set(key, JSON.stringify(record), 'PX', TTL_MS);
  }

  /** Those of these hours that are there. */
  async of(nodeUuid: string, hours: readonly string[]): Promise<HourlyBandwidth[]> {
    const texts = await Promise.all(
      hours.map((hour) => this.#redis.get(keys.bandwidthHourly(nodeUuid, hour)).catch(ignoreHash)),
    );
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as HourlyBandwidth]));
  }
}

/** An older worker wrote hashes under these names. */
function ignoreHash(error: unknown): null {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
  throw error;
}
