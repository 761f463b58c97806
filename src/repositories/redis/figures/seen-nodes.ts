import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** A node as the panel last listed it. */
export type SeenNode = { nodeUuid: string; name: string; country: string; seenAt: Date };

/** Longer than the longest period of a report. */
const KEPT_MS = days(35);

/** The nodes of the last weeks, so that the reports of a day still name a node that is gone by now. */
export class SeenNodes {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async note(nodes: readonly SeenNode[]): Promise<void> {
    if (nodes.length === 0) return;
    const fields = nodes.flatMap(({ country, name, nodeUuid, seenAt }) => [
      nodeUuid,
      JSON.stringify({ name, country, seen_at: seenAt }),
    ]);
    await this.#redis.hset(keys.seenNodes(), ...fields);
    await this.#redis.pexpire(keys.seenNodes(), KEPT_MS);
  }

  /** The nodes seen since `from`. Deletes those that are too old for any report. */
  async since(from: Date, now: Date): Promise<SeenNode[]> {
    const all = Object.entries(await this.#redis.hgetall(keys.seenNodes())).map(([nodeUuid, text]) => {
      const { seen_at, ...rest } = JSON.parse(text) as { name: string; country: string; seen_at: string };
      return { nodeUuid, ...rest, seenAt: new Date(seen_at) };
    });
    const old = all.filter(({ seenAt }) => now.getTime() - seenAt.getTime() > KEPT_MS);
    if (old.length > 0) await this.#redis.hdel(keys.seenNodes(), ...old.map(({ nodeUuid }) => nodeUuid));
    return all.filter(({ seenAt }) => seenAt >= from);
  }
}
