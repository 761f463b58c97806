import { z } from 'zod';
import { hours } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedNumber, storedTime } from '../json-entries.ts';
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

const samples: JsonEntries<BandwidthSample> = {
  source: 'bandwidth_samples',
  entry: z
    .object({
      at: storedTime,
      total_bytes: storedNumber.optional(),
      bytes: storedNumber.optional(),
      weight: storedNumber.optional(),
      seconds: storedNumber.optional(),
      users_online: storedNumber.optional(),
    })
    .transform(({ total_bytes: totalBytes, users_online: usersOnline, ...rest }) => ({
      ...rest,
      totalBytes,
      usersOnline,
    })),
};

/** An hour of them: the newest that can be read is not far. */
const LOOKED_AT = 12;

/** Samples are kept for 48 hours. */
const KEPT_MS = hours(48);

const score = (at: Date): number => Math.floor(at.getTime() / 1000);

/** The traffic samples of the nodes over the last 48 hours. */
export class BandwidthSamples {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** The newest sample taken before `before`. Where that cannot be read, one before it within an hour of samples: no traffic is lost. */
  async latest(nodeUuid: string, before: Date): Promise<BandwidthSample | undefined> {
    const newest = [keys.bandwidth(nodeUuid), `(${score(before)}`, '-inf', 'LIMIT', 0, LOOKED_AT] as const;
    return this.#read(nodeUuid, await this.#redis.zrevrangebyscore(...newest))[0];
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

  /** The samples from `from` (included) to `to` (excluded), oldest first. Of a time whose sample cannot be read nothing is known. */
  async between(nodeUuid: string, from: Date, to: Date): Promise<BandwidthSample[]> {
    const members = await this.#redis.zrangebyscore(keys.bandwidth(nodeUuid), score(from), `(${score(to)}`);
    return this.#read(nodeUuid, members);
  }

  #read(nodeUuid: string, members: readonly string[]): BandwidthSample[] {
    const named = members.map((member) => [keys.bandwidth(nodeUuid), member] as const);
    return readNamed(named, samples, this.#onRead).items.map(([, sample]) => sample);
  }
}

function write({ at, bytes, seconds, totalBytes, usersOnline, weight }: BandwidthSample): string {
  const stored = { at: at.toISOString(), total_bytes: totalBytes, bytes, weight, seconds, users_online: usersOnline };
  return JSON.stringify(stored);
}
