import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** A node as it was when it was last seen at the panel. */
export type SeenNode = { nodeUuid: string; name: string; country: string; seenAt: Date };

/** Longer than the longest history that a report looks back over. */
const KEPT_MS = days(35);

/** Every node of the last weeks, so that one that is gone still has its name and its figures in the reports of its days. */
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

  /** Those seen since then; the others are forgotten once they are too old for any report. */
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
