import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { readEntries, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** A node as the panel last listed it. */
export type SeenNode = { nodeUuid: string; name: string; country: string; seenAt: Date };

const Stored = z.object({ name: z.string(), country: z.string(), seen_at: storedTime });

/** Longer than the longest period of a report. */
const KEPT_MS = days(35);

/** The nodes of the last weeks, so that the reports of a day still name a node that is gone by now. */
export class SeenNodes {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
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

  /** The nodes seen since `from`. Deletes those that are too old for any report. One that cannot be read is left out, said and kept. */
  async since(from: Date, now: Date): Promise<SeenNode[]> {
    const found = await this.#redis.hgetall(keys.seenNodes());
    const read = readEntries(found, { source: 'seen_nodes', entry: Stored }, this.#onRead);
    const all = [...read].map(([nodeUuid, { seen_at: seenAt, ...rest }]) => ({ nodeUuid, ...rest, seenAt }));
    const old = all.filter(({ seenAt }) => now.getTime() - seenAt.getTime() > KEPT_MS);
    if (old.length > 0) await this.#redis.hdel(keys.seenNodes(), ...old.map(({ nodeUuid }) => nodeUuid));
    return all.filter(({ seenAt }) => seenAt >= from);
  }
}
