import { hours } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** A node's traffic in the period that ends at `at`. */
export type BandwidthSample = {
  at: Date;
  /** The panel's counter at `at`; undefined where the Python worker took the sample, because it stored none. */
  totalBytes?: number | undefined;
  /** Traffic since the previous sample; undefined for the first sample and after an implausible counter. */
  bytes?: number | undefined;
  /** How many times the panel counts each byte; undefined where the sample does not say, which means once. */
  weight?: number | undefined;
  /** The period that `bytes` covers, in seconds. */
  seconds?: number | undefined;
  /** Undefined when the panel did not say. */
  usersOnline?: number | undefined;
};

type StoredSample = {
  at: string;
  total_bytes?: number | undefined;
  bytes?: number;
  weight?: number;
  seconds?: number;
  users_online?: number;
};

/** Samples are kept for 48 hours. */
const KEPT_MS = hours(48);

const score = (at: Date): number => Math.floor(at.getTime() / 1000);

/** The traffic samples of the nodes over the last 48 hours. */
export class BandwidthSamples {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** The newest sample taken before `before`. */
  async latest(nodeUuid: string, before: Date): Promise<BandwidthSample | undefined> {
    const newest = [keys.bandwidth(nodeUuid), `(${score(before)}`, '-inf', 'LIMIT', 0, 1] as const;
    const [member] = await this.#redis.zrevrangebyscore(...newest);
    return member === undefined ? undefined : read(member);
  }

  /** Adds a sample, replacing one of the same second, and drops those that are too old. */
  async add(nodeUuid: string, sample: BandwidthSample): Promise<void> {
    const key = keys.bandwidth(nodeUuid);
    const second = score(sample.at);
    await this.#redis
      .multi()
      .zremrangebyscore(key, second, second)
      .zremrangebyscore(key, '-inf', second - KEPT_MS / 1000)
      .zadd(key, second, write(sample))
      .pexpire(key, KEPT_MS)
      .exec();
  }

  /** Drops the samples that are too old, even of nodes that get no new ones. Returns their number. */
  dropOld(nodeUuid: string, now: Date): Promise<number> {
    return this.#redis.zremrangebyscore(keys.bandwidth(nodeUuid), '-inf', score(now) - KEPT_MS / 1000);
  }

  /** The samples from `from` (included) to `to` (excluded), oldest first. */
  async between(nodeUuid: string, from: Date, to: Date): Promise<BandwidthSample[]> {
    const members = await this.#redis.zrangebyscore(keys.bandwidth(nodeUuid), score(from), `(${score(to)}`);
    return members.map(read);
  }
}

function write({ at, bytes, seconds, totalBytes, usersOnline, weight }: BandwidthSample): string {
  const stored = { at: at.toISOString(), total_bytes: totalBytes, bytes, weight, seconds, users_online: usersOnline };
  return JSON.stringify(stored);
}

function read(member: string): BandwidthSample {
  const { at, total_bytes: totalBytes, users_online: usersOnline, ...rest } = JSON.parse(member) as StoredSample;
  return { ...rest, at: new Date(at), totalBytes, usersOnline };
}
