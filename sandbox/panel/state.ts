import { countTraffic, panelActs, SILENT_FROM } from './behaviour.ts';
import { SandboxClock } from './clock.ts';
import type { NodeState, SandboxNode, SandboxUser } from './model.ts';
import { SandboxUsers, type UserEvent } from './users.ts';
import type { Webhooks } from './webhooks.ts';
import { type GenerationNumber, nodeToWire, nodeUuidOf, userToWire } from './wire.ts';

export type StateOptions = {
  generation: GenerationNumber;
  version: string;
  webhooks: Webhooks;
  startAt: Date | undefined;
  /** The time that the panel's queue takes for a bulk call that it answered with 202. */
  bulkDelayMs: number;
};

export type NodeChange = Partial<
  Pick<
    SandboxNode,
    | 'state'
    | 'lastStatusMessage'
    | 'usersOnline'
    | 'consumptionMultiplier'
    | 'nodeConsumptionMultiplier'
    | 'trafficUsedBytes'
    | 'trafficBytesPerSecond'
    | 'trafficResetDay'
  >
>;

/** What an admin alone changes. */
const WEIGHTS = ['consumptionMultiplier', 'nodeConsumptionMultiplier'] as const;

/** The whole state of the sandbox panel: users, nodes and time, with its scheduled actions. */
export class PanelState {
  generation: GenerationNumber;
  version: string;
  readonly clock: SandboxClock;
  readonly users: SandboxUsers;
  readonly nodes = new Map<string, SandboxNode>();
  readonly webhooks: Webhooks;
  readonly #bulkDelayMs: number;
  #backup: { users: readonly SandboxUser[]; version: string } | undefined;
  readonly #queued = new Set<NodeJS.Timeout>();
  #actedUntil: number;
  #batch: { event: UserEvent; user: SandboxUser }[] | undefined;

  constructor(options: StateOptions) {
    this.generation = options.generation;
    this.version = options.version;
    this.webhooks = options.webhooks;
    this.clock = new SandboxClock(options.startAt);
    this.#bulkDelayMs = options.bulkDelayMs;
    this.#actedUntil = this.clock.now();
    this.users = new SandboxUsers(
      () => this.clock.now(),
      (event, user) => (this.#batch ? this.#batch.push({ event, user }) : this.tellUser(event, user)),
    );
  }

  /** Carries out the panel's actions that became due since the last call. */
  act(): void {
    const from = this.#actedUntil;
    this.#actedUntil = this.clock.now();
    panelActs({ users: this.users, nodes: this.nodes, batch: (run) => this.#asBatch(run) }, from, this.#actedUntil);
  }

  /** Runs a bulk call as the panel does: from a queue, after the answer. */
  bulk(run: () => void): void {
    const timer = setTimeout(() => {
      this.#queued.delete(timer);
      run();
    }, this.#bulkDelayMs);
    this.#queued.add(timer);
  }

  /**
   * The panel is upgraded in place from 2.7.4: the same database, whose users lose their uuids (`drop_user_uuid` of 3.3.2) and keep number,
   * name and short uuid; nodes keep theirs. What the queue still held is lost.
   */
  upgrade(version: string): void {
    if (this.generation !== 2) throw new Error('the sandbox panel is 3.x already');
    this.close();
    this.#backup = { users: this.users.copies(), version: this.version };
    Object.assign(this, { generation: 3, version });
  }

  /** The database from before the upgrade is put back under the old panel: what happened to users since is as if it had not. */
  restore(): void {
    if (!this.#backup) throw new Error('the sandbox panel was not upgraded');
    this.close();
    this.users.replace(this.#backup.users);
    Object.assign(this, { generation: 2, version: this.#backup.version });
    this.#backup = undefined;
  }

  addNode(node: Partial<SandboxNode> & { name: string; countryCode: string }): SandboxNode {
    const id = this.nodes.size + 1;
    const now = this.clock.now();
    const added: SandboxNode = {
      id,
      uuid: nodeUuidOf(id),
      address: `node-${id}.example.test`,
      state: 'connected',
      lastStatusChange: now,
      lastStatusMessage: null,
      usersOnline: 0,
      trafficResetDay: 1,
      consumptionMultiplier: 1,
      nodeConsumptionMultiplier: 1,
      trafficUsedBytes: 0,
      flownBytes: node.trafficUsedBytes ?? 0,
      trafficBytesPerSecond: 0,
      flownOn: {},
      countedAt: now,
      createdAt: now,
      ...node,
    };
    this.nodes.set(added.uuid, added);
    return added;
  }

  changeNode(node: SandboxNode, change: NodeChange): void {
    const before = node.state;
    const now = this.clock.now();
    countTraffic(node, now);
    Object.assign(node, { flownBytes: change.trafficUsedBytes ?? node.flownBytes }, change);
    if (WEIGHTS.some((name) => change[name] !== undefined)) this.#tellNode('node.modified', node);
    if (node.state === before) return;
    node.lastStatusChange = now;
    if (change.lastStatusMessage === undefined) {
      // The panel writes a JSON text into the text.
      node.lastStatusMessage =
        node.state === 'down' ? JSON.stringify(`connect ECONNREFUSED ${node.address}:2222`) : null;
    }
    const event = nodeEvent(before, node.state);
    if (event) this.#tellNode(event, node);
  }

  /** Tells so of every call. A node that is on or off already stays as it is. */
  switchNode(node: SandboxNode, isOn: boolean): void {
    if ((node.state !== 'disabled') === isOn) this.#tellNode(isOn ? 'node.enabled' : 'node.disabled', node);
    else this.changeNode(node, { state: isOn ? 'connecting' : 'disabled' });
  }

  #tellNode(event: string, node: SandboxNode): void {
    const now = this.clock.now();
    this.webhooks.send('node', event, now, () => nodeToWire(node, this.generation, now));
  }

  /**
   * Bytes that go through the node at once, some of them used by users, by username. The counters are weighted by the two multipliers and
   * floored, as both generations do; the statistics tell bytes. The panel asks no node that is not connected.
   */
  flow(node: SandboxNode, bytes: number, users: Readonly<Record<string, number>> = {}): void {
    if (node.state !== 'connected')
      throw new Error(`node ${node.name} is ${node.state}: the panel asks it for no traffic`);
    const now = this.clock.now();
    const day = new Date(now).toISOString().slice(0, 10);
    countTraffic(node, now);
    node.trafficUsedBytes += Math.floor(node.nodeConsumptionMultiplier * bytes);
    node.flownBytes += bytes;
    node.flownOn[day] = (node.flownOn[day] ?? 0) + bytes;
    for (const [username, used] of Object.entries(users)) {
      const user = this.users.byUsername(username);
      if (user) this.users.use(user, Math.floor(node.consumptionMultiplier * used), node.uuid);
    }
  }

  close(): void {
    for (const timer of this.#queued) clearTimeout(timer);
    this.#queued.clear();
  }

  #asBatch(run: () => void): void {
    const batch: { event: UserEvent; user: SandboxUser }[] = [];
    this.#batch = batch;
    try {
      run();
    } finally {
      this.#batch = undefined;
    }
    if (batch.length < SILENT_FROM) for (const { event, user } of batch) this.tellUser(event, user);
  }

  /** Sends an event about a user, also one that nothing here brings about by itself, such as a threshold. */
  tellUser(event: string, user: SandboxUser): void {
    this.webhooks.send('user', `user.${event}`, this.clock.now(), () => userToWire(user, this.generation));
  }
}

function nodeEvent(before: NodeState, after: NodeState): string | undefined {
  if (after === 'disabled') return 'node.disabled';
  if (before === 'disabled') return 'node.enabled';
  if (after === 'connected') return 'node.connection_restored';
  return before === 'connected' ? 'node.connection_lost' : undefined;
}
