import type { PanelNode } from '../../clients/remnawave/types.ts';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Listing } from '../../lib/read-each.ts';
import { type NodeLine, nodeBack, nodeOffline, nodeStable, nodeUnstable } from '../../messages/monitoring.ts';
import type { Log } from '../../observability/log.ts';
import type { NodeLook } from '../../repositories/history/incidents.ts';
import { windowAt } from '../../repositories/history/maintenance-rows.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { NodeHealthStore, NodeStatus, StoredNode } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { AlertCondition, AlertStates } from '../alerts/alert-states.ts';
import type { MaintenanceWindows } from './maintenance-windows.ts';
import { nodeOfflineAlert, nodeOfflineId, nodeUnstableAlert, nodeUnstableId } from './node-alerts.ts';
import { judge, type NodeCall, type NodeVerdict, statusOf } from './node-health.ts';

export type NodeWatchOptions = {
  store: NodeHealthStore;
  states: AlertStates;
  events: Events;
  maintenance: Pick<MaintenanceWindows, 'byNode'>;
  log: Log;
  /** Told how each node was from its look before to this one. A time that is too long to be known of is left out. */
  onLooked(looks: readonly NodeLook[]): void;
  /** Told how many seconds it took to notice that a node is down, when its alert goes out. */
  onNoticed(seconds: number): void;
  /** A node that the panel has not listed for this long is gone. Longer than a lying or half-read listing is likely to last. */
  forgetAfterMs: number;
};

export type NodeCounts = Record<
  NodeStatus | 'checked' | 'unreadable' | 'changed' | 'began' | 'ended' | 'forgotten',
  number
>;

/** The state before this look: records by uuid, texts of those that cannot be read, and ids of alerts that are on. */
type Known = {
  before: ReadonlyMap<string, StoredNode>;
  unreadable: ReadonlyMap<string, string>;
  on: ReadonlySet<string>;
  /** Maintenance windows by node. */
  windows: Awaited<ReturnType<MaintenanceWindows['byNode']>>;
};

export type Observation = { counts: NodeCounts; lookAgainMs?: number };

/** Keeps the state of every node and tells the admins about those that go down, come back or flap. */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  /** Users of each node at the last look of this process that found it online. */
  readonly #usersOnline = new Map<string, number>();

  constructor(options: NodeWatchOptions) {
    this.#options = options;
  }

  /**
   * Takes in one complete listing of the panel. A node that is left out of it because it cannot be read stays as it was last known: its
   * alerts stay on, and it is not gone. Two runs at once share the work: of each node one run's judgement stands. While Redis
   * is away the states go to the log and nobody is told, as what was before is not known.
   */
  async observe({ holes, items: nodes }: Listing<PanelNode>, now: Date): Promise<Observation> {
    const { log, states, store } = this.#options;
    const counts = { ...countsOf(nodes), unreadable: holes.length };
    const recalled = states.recall('nodes', nodes.flatMap(alertsAbout), now);
    const known = await recalled
      .then(() => Promise.all([store.all(), states.active(now)]))
      .catch((err: unknown) => {
        const seen = nodes.map((node) => ({ node: node.name, status: statusOf(node) }));
        log.warn({ err, nodes: seen }, 'node states cannot be stored, this is what was seen');
        return undefined;
      });
    if (!known) return { counts };
    const [{ nodes: stored, unreadable }, active] = known;
    if (nodes.length === 0 && holes.length === 0 && stored.length + unreadable.size > 0) {
      log.warn(
        { known: stored.length + unreadable.size },
        'the panel lists no node although it had some, taken for unknown',
      );
      return { counts };
    }

    const before = new Map(stored.map((one) => [one.record.nodeUuid, one]));
    const on = new Set(active.map(({ id }) => id));
    const windows = await this.#options.maintenance.byNode(now);
    for (const node of nodes) {
      if (!windowAt(windows.get(node.uuid) ?? [], now)) continue;
      counts[statusOf(node)] -= 1;
      counts.maintenance += 1;
    }
    const verdicts = await this.#judgeAll(nodes, { before, unreadable, on, windows }, now);
    for (const node of nodes)
      if (statusOf(node) === 'online' && node.usersOnline !== undefined)
        this.#usersOnline.set(node.uuid, node.usersOnline);
    this.#options.onLooked(verdicts.flatMap((verdict) => this.#looksOf(verdict, before.get(verdict.record.nodeUuid))));
    counts.changed = verdicts.filter(({ change }) => change?.previousStatus).length;
    await Promise.all(verdicts.map((verdict) => this.#publish(verdict, now)));
    const { began, ended } = await this.#alert(verdicts, nodes.length + holes.length, now);
    counts.forgotten = await this.#forget({ holes, items: nodes }, stored, now);

    const waits = verdicts.flatMap(({ lookAgainMs }) => lookAgainMs ?? []);
    const lookAgain = waits.length > 0 ? { lookAgainMs: Math.min(...waits) } : {};
    return { counts: { ...counts, began, ended }, ...lookAgain };
  }

  /** Those of which this run's judgement stands. */
  async #judgeAll(
    nodes: readonly PanelNode[],
    { before, on, unreadable, windows }: Known,
    now: Date,
  ): Promise<NodeVerdict[]> {
    const verdicts = await Promise.all(
      nodes.map(async (node) => {
        const known = before.get(node.uuid);
        const alerts = { offline: on.has(nodeOfflineId(node.uuid)), unstable: on.has(nodeUnstableId(node.uuid)) };
        const verdict = judge(node, known?.record, alerts, { now, windows: windows.get(node.uuid) ?? [] });
        const text = known?.text ?? unreadable.get(node.uuid);
        return (await this.#options.store.replace(verdict.record, text)) ? [verdict] : [];
      }),
    );
    return verdicts.flat();
  }

  async #publish({ change, record }: NodeVerdict, now: Date): Promise<void> {
    if (!change) return;
    const { nodeUuid, name, country } = record;
    await this.#options.store.addChange(nodeUuid, change);
    if (change.previousStatus === undefined) return;
    await this.#options.events.publish('server.status_changed', {
      node_uuid: nodeUuid,
      name,
      country,
      status: change.status,
      previous_status: change.previousStatus,
      timestamp: now,
    });
  }

  async #alert(verdicts: readonly NodeVerdict[], total: number, now: Date): Promise<{ began: number; ended: number }> {
    const { states } = this.#options;
    const called = (...calls: NodeCall[]) =>
      verdicts.filter(({ call }) => call !== undefined && calls.includes(call)).map(({ record }) => record);
    const lines = new Map<string, NodeLine>(verdicts.map(({ record }) => [record.nodeUuid, record]));
    const about = ({ id, subject }: AlertCondition): NodeLine =>
      lines.get(id.slice(id.indexOf(':') + 1)) ?? { name: subject };
    const down = called('offline', 'settled_down');
    const all = down.length > 1 && down.length === total;
    const offline = (fresh: AlertCondition, locale: Locale): Html => nodeOffline(about(fresh), { all }, locale);
    const unstable = (fresh: AlertCondition, locale: Locale): Html => nodeUnstable(about(fresh), locale);

    const offlineOver = called('unstable', 'none_needed').map(({ nodeUuid }) => nodeOfflineId(nodeUuid));
    const unstableOver = called('settled_down', 'none_needed').map(({ nodeUuid }) => nodeUnstableId(nodeUuid));
    await states.drop([...offlineOver, ...unstableOver], now);
    const nowOffline = await states.begin(
      down.map((record) => ({
        ...nodeOfflineAlert(record),
        usersAffected: this.#usersOnline.get(record.nodeUuid),
      })),
      offline,
      now,
    );
    for (const { since } of nowOffline) this.#options.onNoticed((now.getTime() - since.getTime()) / 1000);
    const began = [nowOffline, await states.begin(called('unstable').map(nodeUnstableAlert), unstable, now)];
    const ended = [
      await states.end(
        called('back').map(({ nodeUuid, since }) => ({ id: nodeOfflineId(nodeUuid), at: since })),
        nodeBack,
        now,
      ),
      await states.end(
        called('stable').map(({ nodeUuid }) => ({ id: nodeUnstableId(nodeUuid), at: now })),
        nodeStable,
        now,
      ),
    ];
    return { began: began.flat().length, ended: ended.flat().length };
  }

  /** How a node was since its look before: until it changed as it was then, and as it is now after. */
  #looksOf({ change, record }: NodeVerdict, before: StoredNode | undefined): NodeLook[] {
    if (!before) return [];
    const { checkedAt: from, status: was } = before.record;
    const { checkedAt: to, name, nodeUuid: node, status } = record;
    if (to.getTime() - from.getTime() > this.#options.forgetAfterMs) return [];
    const changedAt = change?.at ?? to;
    const parts = [
      { from, to: changedAt, status: was },
      { from: changedAt, to, status },
    ];
    // One that an admin switched off, or that is in maintenance, is neither up nor down.
    return parts
      .filter((part) => part.status !== 'maintenance' && part.from < part.to)
      .map((part) => ({ node, name, from: part.from, to: part.to, isUp: part.status === 'online' }));
  }

  async #forget({ holes, items }: Listing<PanelNode>, stored: readonly StoredNode[], now: Date): Promise<number> {
    const { forgetAfterMs, states, store } = this.#options;
    // One that does not even say which node it is may be any of them.
    if (holes.some(({ ids }) => ids.uuid === undefined)) return 0;
    const listed = new Set([...items.map(({ uuid }) => uuid), ...holes.map(({ ids }) => ids.uuid)]);
    const gone = stored
      .map(({ record }) => record)
      .filter(({ checkedAt, nodeUuid }) => {
        return !listed.has(nodeUuid) && now.getTime() - checkedAt.getTime() >= forgetAfterMs;
      })
      .map(({ nodeUuid }) => nodeUuid);
    await states.drop(
      gone.flatMap((uuid) => [nodeOfflineId(uuid), nodeUnstableId(uuid)]),
      now,
    );
    await store.forget(gone);
    return gone.length;
  }
}

/** What may have been told of a node. */
function alertsAbout({ name, uuid: nodeUuid }: PanelNode): AlertCondition[] {
  const node = { nodeUuid, name, downSince: undefined, since: new Date(0), flips: [] };
  return [nodeOfflineAlert(node), nodeUnstableAlert(node)];
}

function countsOf(nodes: readonly PanelNode[]): NodeCounts {
  const counts: NodeCounts = {
    checked: nodes.length,
    unreadable: 0,
    online: 0,
    offline: 0,
    warning: 0,
    maintenance: 0,
    changed: 0,
    began: 0,
    ended: 0,
    forgotten: 0,
  };
  for (const node of nodes) counts[statusOf(node)] += 1;
  return counts;
}
