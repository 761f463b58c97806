import type { Redis } from 'ioredis';

const epoch = (at: Date): number => Math.floor(at.getTime() / 1000);

/** Writes Redis keys as the Python worker does, with its names and shapes, times in seconds. */
export class PythonKeyWriter {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async node(nodeUuid: string, node: { status: string; name: string; country: string; at: Date; offlineSince?: Date }) {
    const { at, country, name, offlineSince, status } = node;
    const record = {
      ...{ status, is_online: status === 'online', name, country, last_seen: epoch(offlineSince ?? at) },
      ...{ offline_since: offlineSince ? epoch(offlineSince) : null, updated_at: epoch(at) },
    };
    await this.#redis.set(`cybervpn:health:${nodeUuid}:current`, JSON.stringify(record), 'EX', 300);
  }

  async history(nodeUuid: string, changes: readonly { status: string; at: Date }[]) {
    for (const { at, status } of changes) {
      const member = JSON.stringify({ status, timestamp: epoch(at), name: 'Node', country: 'NL' });
      await this.#redis.zadd(`cybervpn:health:${nodeUuid}:history`, epoch(at), member);
    }
  }

  async service(name: string, service: { isUp: boolean; failures: number; at: Date }) {
    const record = {
      is_up: service.isUp,
      consecutive_failures: service.failures,
      last_checked: epoch(service.at),
    };
    await this.#redis.set(`cybervpn:health:services:${name}`, JSON.stringify(record), 'EX', 600);
  }

  async snapshot(nodeUuid: string, at: Date, total: number) {
    const record = { up: Math.floor(total / 3), down: total - Math.floor(total / 3), total, ts: epoch(at) };
    const key = `cybervpn:bandwidth:${nodeUuid}:${epoch(at)}`;
    await this.#redis.set(key, JSON.stringify(record), 'EX', 48 * 3_600);
    return key;
  }

  /** `name` is the part of the key that stands for the hour. */
  async hour(
    nodeUuid: string,
    name: string,
    fields: { sum: number; avg: number; max: number; min: number; samples: number },
  ) {
    const key = `cybervpn:bandwidth:hourly:${nodeUuid}:${name}`;
    await this.#redis.hset(key, fields);
    await this.#redis.expire(key, 30 * 86_400);
    return key;
  }

  async reminded(userUuid: string, bracket: string, ttlSeconds: number) {
    await this.#redis.set(`cybervpn:sub_reminder:${userUuid}:${bracket}`, '{"sent":true}', 'EX', ttlSeconds);
  }
}
