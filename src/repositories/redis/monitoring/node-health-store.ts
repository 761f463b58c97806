import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { type JsonEntries, readNamed, storedTime } from '../json-entries.ts';
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

/** The watched nodes, and by uuid the texts of those whose record cannot be read. */
export type StoredNodes = { nodes: StoredNode[]; unreadable: ReadonlyMap<string, string> };

const Stored = z.object({
  node_uuid: z.string(),
  name: z.string(),
  country: z.string(),
  status: NodeStatus,
  previous_status: NodeStatus.optional(),
  since: storedTime,
  checked_at: storedTime,
  reason: z.string().optional(),
  down_since: storedTime.optional(),
  suspect_since: storedTime.optional(),
  flips: z.array(storedTime).default([]),
});

const StoredChange = z.object({ status: NodeStatus, previous_status: NodeStatus.optional(), at: storedTime });

/** Records and changes of the Python worker are taken over apart. */
const records: JsonEntries<NodeRecord> = {
  source: 'node_states',
  entry: Stored.transform(recordOf),
  foreign: z.object({ updated_at: z.number() }),
};
const changes: JsonEntries<NodeChange> = {
  source: 'node_changes',
  entry: StoredChange.transform(({ at, previous_status: previousStatus, status }) => ({ at, status, previousStatus })),
  foreign: z.object({ timestamp: z.number() }),
};

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
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** All watched nodes. */
  async all(): Promise<StoredNodes> {
    const uuids = await this.#redis.smembers(keys.watchedNodes());
    const texts = await Promise.all(uuids.map((uuid) => this.#redis.get(keys.nodeHealth(uuid))));
    const stored = new Map(uuids.flatMap((uuid, i) => (texts[i] == null ? [] : [[uuid, texts[i]] as const])));
    const { holes, items } = readNamed([...stored], records, this.#onRead);
    return {
      nodes: items.map(([uuid, record]) => ({ record, text: stored.get(uuid)! })),
      unreadable: new Map(holes.map(({ ids: { name } }) => [name!, stored.get(name!)!])),
    };
  }

  /** Writes the record unless another run has changed its text since `before` was read. True when it was written. */
  async replace(record: NodeRecord, before: string | undefined): Promise<boolean> {
    const key = keys.nodeHealth(record.nodeUuid);
    const replaced = await this.#redis.eval(REPLACE, 1, key, before ?? '', write(record), TTL_MS);
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
    const key = keys.nodeHealthHistory(nodeUuid);
    const members = await this.#redis.zrangebyscore(key, from.getTime(), to.getTime());
    const named = members.map((member) => [key, member] as const);
    return readNamed(named, changes, this.#onRead).items.map(([, change]) => change);
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

function recordOf(stored: z.output<typeof Stored>): NodeRecord {
  const { checked_at, country, down_since, flips, name, node_uuid, previous_status, reason, since, status } = stored;
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
    suspectSince: stored.suspect_since,
    flips,
  };
}
