import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

const NodeStatus = z.enum(['online', 'offline', 'warning', 'maintenance']);

export type NodeStatus = z.output<typeof NodeStatus>;

/** The state of a node. */
export type NodeRecord = {
  nodeUuid: string;
  name: string;
  /** ISO 3166-1 alpha-2, from the panel. */
  country: string;
  status: NodeStatus;
  previousStatus?: NodeStatus | undefined;
  /** The time at which it got this status. */
  since: Date;
  checkedAt: Date;
  /** The panel's reason for its being down. */
  reason?: string | undefined;
  /** The time from which it does not serve; `connecting` counts as not serving. */
  downSince?: Date | undefined;
  /** The time at which it was first found offline after another status; absent where nobody is to be told. */
  suspectSince?: Date | undefined;
  /** The times of its latest changes between serving and not serving. */
  flips: readonly Date[];
};

/** One entry of a node's history. Without `previousStatus` it is the first time the node was seen. */
export type NodeChange = { status: NodeStatus; previousStatus?: NodeStatus | undefined; at: Date };

/** A record with its stored text, which `replace` compares. */
export type StoredNode = { record: NodeRecord; text: string };

const time = z.iso.datetime().transform((text) => new Date(text));

/** A node whose record has another shape (the Python worker's) counts as never seen. */
const Stored = z.object({
  node_uuid: z.string(),
  name: z.string(),
  country: z.string(),
  status: NodeStatus,
  previous_status: NodeStatus.optional(),
  since: time,
  checked_at: time,
  reason: z.string().optional(),
  down_since: time.optional(),
  suspect_since: time.optional(),
  flips: z.array(time).default([]),
});

const StoredChange = z.object({ status: NodeStatus, previous_status: NodeStatus.optional(), at: time });

/** A record without a refresh is useless after a week; checks are at most an hour apart. */
const TTL_MS = days(7);
const HISTORY_MS = days(7);

/** KEYS: record. ARGV: the text that it must still have (empty: no text, or text that is not a record), the new text, TTL in ms. */
const REPLACE = `
local now = redis.call('GET', KEYS[1])
if now == ARGV[1] or (ARGV[1] == '' and (not now or not string.find(now, '"checked_at"', 1, true))) then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return 0`;

/** The state of every VPN node, its history, and which nodes there are. */
export class NodeHealthStore {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** All watched nodes. */
  async all(): Promise<StoredNode[]> {
    const uuids = await this.#redis.smembers(keys.watchedNodes());
    const texts = await Promise.all(uuids.map((uuid) => this.#redis.get(keys.nodeHealth(uuid))));
    return texts.flatMap((text) => {
      const record = text === null ? undefined : read(text);
      return record ? [{ record, text: text! }] : [];
    });
  }

  /** Writes the record unless another run has changed it since `before` was read. True when it was written. */
  async replace(record: NodeRecord, before: Pick<StoredNode, 'text'> | undefined): Promise<boolean> {
    const key = keys.nodeHealth(record.nodeUuid);
    const replaced = await this.#redis.eval(REPLACE, 1, key, before?.text ?? '', write(record), TTL_MS);
    if (replaced !== 1) return false;
    await this.#redis.sadd(keys.watchedNodes(), record.nodeUuid);
    await this.#redis.pexpire(keys.watchedNodes(), TTL_MS);
    return true;
  }

  async addChange(nodeUuid: string, change: NodeChange): Promise<void> {
    const { at } = change;
    const key = keys.nodeHealthHistory(nodeUuid);
    await Promise.all([
      this.#redis.zadd(key, at.getTime(), memberOf(change)),
      this.#redis.zremrangebyscore(key, '-inf', at.getTime() - HISTORY_MS),
      this.#redis.pexpire(key, HISTORY_MS),
    ]);
  }

  /** Replaces members that the Python worker wrote with these changes. */
  async rewriteHistory(nodeUuid: string, members: readonly string[], changes: readonly NodeChange[]): Promise<void> {
    const key = keys.nodeHealthHistory(nodeUuid);
    const rewriting = this.#redis.multi().zrem(key, ...members);
    for (const change of changes) rewriting.zadd(key, change.at.getTime(), memberOf(change));
    await rewriting.pexpire(key, HISTORY_MS).exec();
  }

  /** The changes between two times, both included, oldest first. The `previousStatus` of the first is the status before them. */
  async history(nodeUuid: string, from: Date, to: Date): Promise<NodeChange[]> {
    const members = await this.#redis.zrangebyscore(keys.nodeHealthHistory(nodeUuid), from.getTime(), to.getTime());
    return members.flatMap((member) => {
      const change = StoredChange.safeParse(parseJson(member));
      if (!change.success) return [];
      const { at, previous_status: previousStatus, status } = change.data;
      return [{ at, status, previousStatus }];
    });
  }

  /** Deletes the records of nodes that are gone. Their history stays for the reports until it expires. */
  async forget(nodeUuids: readonly string[]): Promise<void> {
    if (nodeUuids.length === 0) return;
    await Promise.all([
      this.#redis.srem(keys.watchedNodes(), ...nodeUuids),
      ...nodeUuids.map((uuid) => this.#redis.del(keys.nodeHealth(uuid))),
    ]);
  }
}

const memberOf = ({ at, previousStatus, status }: NodeChange): string =>
  JSON.stringify({ status, previous_status: previousStatus, at });

function write(record: NodeRecord): string {
  return JSON.stringify({
    node_uuid: record.nodeUuid,
    name: record.name,
    country: record.country,
    status: record.status,
    previous_status: record.previousStatus,
    since: record.since,
    checked_at: record.checkedAt,
    reason: record.reason,
    down_since: record.downSince,
    suspect_since: record.suspectSince,
    flips: record.flips,
  });
}

function read(text: string): NodeRecord | undefined {
  const parsed = Stored.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { checked_at, country, down_since, flips, name, node_uuid, previous_status, reason, since, status, ...rest } =
    parsed.data;
  return {
    nodeUuid: node_uuid,
    name,
    country,
    status,
    previousStatus: previous_status,
    since,
    checkedAt: checked_at,
    reason,
    downSince: down_since,
    suspectSince: rest.suspect_since,
    flips,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
