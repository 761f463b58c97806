import { z } from 'zod';
import { seconds } from '../../../lib/duration.ts';
import { mastersOf, type RedisClient } from '../../../lib/redis-client.ts';
import { hourOf } from '../../../lib/utc-days.ts';
import type { HourlyBandwidth } from '../figures/hourly-bandwidths.ts';
import { jsonOf } from '../json-entries.ts';
import { keys } from '../keys.ts';
import type { BandwidthSample } from '../monitoring/bandwidth-samples.ts';
import type { NodeChange, NodeRecord } from '../monitoring/node-health-store.ts';
import type { ServiceRecord } from '../monitoring/service-health-store.ts';

/**
 * A record of the Python worker under a name that is ours, or nearly. Its shapes are its own: times are seconds since the epoch, each
 * snapshot has a key, hours are hashes. Each variant holds the record in our shape, and the text or key that is needed to replace the old
 * one.
 */
export type PythonRecord =
  | { kind: 'node'; record: NodeRecord; text: string }
  | { kind: 'history'; nodeUuid: string; members: readonly string[]; changes: readonly NodeChange[] }
  | { kind: 'service'; record: ServiceRecord; key: string; text: string }
  | { kind: 'sample'; nodeUuid: string; sample: BandwidthSample | undefined; key: string }
  | { kind: 'hour'; record: HourlyBandwidth | undefined; key: string };

/** Keys per SCAN call: well under a millisecond of the server's time. */
const PAGE = 500;

const UUID = '([0-9a-fA-F-]{36})';
const EPOCH = '(\\d{9,11})';
const NODE = exactly(keys.nodeHealth(UUID));
const HISTORY = exactly(keys.nodeHealthHistory(UUID));
const SERVICE = exactly(keys.serviceHealth('(\\w+)'));
const SNAPSHOT = exactly(`${keys.bandwidth(UUID)}:${EPOCH}`);
const HOUR = exactly(keys.bandwidthHourly(UUID, `(${EPOCH}|\\d{4}-\\d{2}-\\d{2}T\\d{2})`));

const epoch = z.coerce
  .number()
  .positive()
  .transform((at) => new Date(seconds(at)));
const Node = z.object({
  status: z.enum(['online', 'offline', 'warning', 'maintenance']),
  name: z.string(),
  country: z.string().catch(''),
  offline_since: epoch.nullish().catch(undefined),
  updated_at: epoch,
});
const Change = z.object({ status: Node.shape.status, timestamp: epoch });
const Service = z.object({ is_up: z.boolean(), consecutive_failures: z.int().catch(0), last_checked: epoch });
const Snapshot = z.object({ total: z.number().positive() });
const Hour = z.object({ sum: z.coerce.number().positive(), max: z.coerce.number(), min: z.coerce.number() });

/** The Python worker takes a snapshot every five minutes, so its number is the traffic of these five minutes. */
const SNAPSHOT_SECONDS = 300;
const SNAPSHOTS_OF_HOUR = 12;
/** The Python worker tells the admins at the third failure in a row, as this worker does. */
const FAILURES_TOLD = 3;
/** Services that the Python worker calls by another name. */
const SERVICE_NAMES: Readonly<Record<string, string>> = { database: 'postgresql' };
/** Scores below this are seconds, above it milliseconds, as this worker writes them: as seconds it is the year 5138. */
const FIRST_MILLISECOND_SCORE = 1e11;

/** Finds the records that the Python worker left. Records in our shape, or in no known shape, are skipped. */
export class PythonKeys {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Scans all keys under our prefix once, which does not block Redis. */
  async *all(signal: AbortSignal): AsyncGenerator<PythonRecord> {
    // In a cluster each master knows only its own keys.
    for (const master of mastersOf(this.#redis)) {
      let cursor = '0';
      do {
        signal.throwIfAborted();
        const [next, page] = await master.scan(cursor, 'MATCH', keys.all(), 'COUNT', PAGE);
        // The keys of a page are read at once. A key of an unexpected type belongs to another program.
        const found = await Promise.all(page.map((key) => this.#read(key).catch(ignoreWrongType)));
        yield* found.filter((record) => record !== undefined);
        cursor = next;
      } while (cursor !== '0');
    }
  }

  /** Deletes the old key. Call it after its record was stored in our shape. */
  async remove(key: string): Promise<void> {
    await this.#redis.unlink(key);
  }

  async #read(key: string): Promise<PythonRecord | undefined> {
    const [, node] = NODE.exec(key) ?? [];
    if (node !== undefined) return nodeOf(node, await this.#redis.get(key));
    const [, watched] = HISTORY.exec(key) ?? [];
    if (watched !== undefined)
      return historyOf(watched, await this.#redis.zrangebyscore(key, '-inf', `(${FIRST_MILLISECOND_SCORE}`));
    const [, service] = SERVICE.exec(key) ?? [];
    if (service !== undefined) return serviceOf(service, key, await this.#redis.get(key));
    const [, measured, at] = SNAPSHOT.exec(key) ?? [];
    if (measured !== undefined) return snapshotOf(measured, Number(at), key, await this.#redis.get(key));
    const [, summed, hour] = HOUR.exec(key) ?? [];
    if (summed !== undefined) return hourlyOf(summed, hour!, key, await this.#redis.hgetall(key));
    return undefined;
  }
}

function nodeOf(nodeUuid: string, text: string | null): PythonRecord | undefined {
  const { data } = Node.safeParse(jsonOf(text ?? ''));
  if (!data) return undefined;
  const { country, name, offline_since: offlineSince, status, updated_at: checkedAt } = data;
  const since = (status === 'offline' && offlineSince) || checkedAt;
  const downSince = status === 'offline' ? since : undefined;
  return {
    kind: 'node',
    text: text!,
    record: { nodeUuid, name, country, status, since, checkedAt, downSince, flips: [] },
  };
}

/** The Python worker records changes only, so each status is the previous one of the next. The status before the first is unknown. */
function historyOf(nodeUuid: string, members: readonly string[]): PythonRecord | undefined {
  if (members.length === 0) return undefined;
  const changes = members.flatMap((member) => Change.safeParse(jsonOf(member)).data ?? []);
  return {
    kind: 'history',
    nodeUuid,
    members,
    changes: changes.map(({ status, timestamp: at }, i) => ({ status, previousStatus: changes[i - 1]?.status, at })),
  };
}

function serviceOf(name: string, key: string, text: string | null): PythonRecord | undefined {
  const { data } = Service.safeParse(jsonOf(text ?? ''));
  if (!data) return undefined;
  const { consecutive_failures: failed, is_up: isUp, last_checked: checkedAt } = data;
  const failures = isUp ? 0 : Math.max(1, failed);
  const status = isUp ? 'up' : failures >= FAILURES_TOLD ? 'down' : 'failing';
  const record = { name: SERVICE_NAMES[name] ?? name, status, failures, since: checkedAt, checkedAt } as const;
  return { kind: 'service', key, text: text!, record };
}

/** The total of the Python worker comes from fields that no Remnawave node has. Where they are missing it writes 0, which means nothing. */
function snapshotOf(nodeUuid: string, at: number, key: string, text: string | null): PythonRecord | undefined {
  if (text === null) return undefined;
  const { data } = Snapshot.safeParse(jsonOf(text ?? ''));
  const sample = data && { at: new Date(seconds(at)), bytes: data.total, seconds: SNAPSHOT_SECONDS };
  return { kind: 'sample', nodeUuid, key, sample };
}

function hourlyOf(
  node: string,
  name: string,
  key: string,
  fields: Readonly<Record<string, string>>,
): PythonRecord | undefined {
  if (Object.keys(fields).length === 0) return undefined;
  const { data } = Hour.safeParse(fields);
  if (!data) return { kind: 'hour', key, record: undefined };
  const samples = Number(fields.samples) || SNAPSHOTS_OF_HOUR;
  const perSecond = (bytes: number): number => Math.round(bytes / SNAPSHOT_SECONDS);
  const record: HourlyBandwidth = {
    node_uuid: node,
    // A name in seconds is the end of the hour.
    hour: /^\d+$/.test(name) ? hourOf(new Date(seconds(Number(name) - 3_600))) : name,
    sum: data.sum,
    avg: perSecond(data.sum / samples),
    max: perSecond(data.max),
    min: perSecond(data.min),
    samples,
    expected: SNAPSHOTS_OF_HOUR,
    covered_seconds: Math.min(3_600, samples * SNAPSHOT_SECONDS),
  };
  return { kind: 'hour', key, record };
}

function exactly(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

function ignoreWrongType(error: unknown): undefined {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return undefined;
  throw error;
}
