import type { IncomingMessage, ServerResponse } from 'node:http';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { answer, type HttpAnswer, type Panel, readText } from './answer.ts';
import { misfit, webhookContract } from './contract.ts';
import { control } from './control.ts';
import { Journal, type Mutation, type Violation } from './journal.ts';
import { type Lie, Lies } from './lies.ts';
import type { SandboxNode, SandboxUser } from './model.ts';
import { seedNodes, seedUsers } from './seed.ts';
import { type NodeChange, PanelState } from './state.ts';
import type { NewUser } from './users.ts';
import { type Delivery, Webhooks } from './webhooks.ts';
import type { GenerationNumber } from './wire.ts';

export type PanelSandboxOptions = {
  generation: GenerationNumber;
  /** 0 (default): any free port. */
  port?: number;
  /** Seeded at the start; 0 by default. */
  users?: number;
  nodes?: number;
  /** The only valid API token. */
  token?: string;
  /** The version that the panel reports; one of its generation by default. */
  version?: string;
  webhookUrl?: string;
  webhookSecret?: string;
  /** The time between the tries of a webhook: 5 s by default, as at the panel. */
  webhookRetryDelayMs?: number;
  /** Makes time stand still at this instant until `advance`; by default it follows the real clock. */
  startAt?: Date;
  /** False: it carries out its scheduled actions on `advance` alone, and not as time goes by. */
  actsByItself?: boolean;
  validateResponses?: 'all' | 'sample';
  /** The time that 3.x takes for a bulk call after its 202; 20 ms by default. */
  bulkDelayMs?: number;
};

/** Handle of a running sandbox panel. */
export type PanelSandbox = AsyncDisposable & {
  /** Base URL, for `REMNAWAVE_URL`. */
  url: string;
  port: number;
  token: string;
  /** The panel's time. */
  now(): Date;
  /** Moves time forward. The panel carries out its actions that are due until then. */
  advance(ms: number): void;
  /** Adds a user without checking the contract, so a test can have one that the API would refuse. Times are in ms since the epoch. */
  addUser(user: NewUser): SandboxUser;
  /** Changes a user by username, without the panel's rules and without a webhook. */
  changeUser(username: string, change: Partial<SandboxUser>): SandboxUser;
  /** All users in their present state. */
  users(): SandboxUser[];
  /** A user by username, in its present state. */
  user(username: string): SandboxUser | undefined;
  /** All of them, as the panel has them now. */
  nodes(): SandboxNode[];
  addNode(node: Partial<SandboxNode> & { name: string; countryCode: string }): SandboxNode;
  /** Changes a node by uuid. A change of state sends a webhook. */
  changeNode(uuid: string, change: NodeChange): SandboxNode;
  /** Bytes that go through a node now, and how many of them each of these users, by username, has used. */
  flow(uuid: string, bytes: number, users?: Readonly<Record<string, number>>): void;
  removeNode(uuid: string): void;
  /** Sends an event that nothing here brings about by itself: `user.<what>` about a user by username, any other with its data. */
  tell(event: string, about: string | object): void;
  /** Arms a fault; without one, clears all faults and lies. */
  faults(fault?: Fault): void;
  /** How many requests are held by a fault now: they hang, or wait out a latency. */
  held(): number;
  /** Arms a lie: an answer that looks right but is wrong. */
  lie(lie: Lie): void;
  revokeToken(): void;
  /**
   * Upgrades the panel in place, from 2.7.4 to 3.3.2 by default. `token: 'unknown'`: its old token is refused with 401 until the next
   * upgrade, restore or `allow`.
   */
  upgrade(how?: { version?: string; token?: 'kept' | 'unknown' }): void;
  /** Puts the database from before the upgrade back, under the old panel. */
  restore(): void;
  /** What the token may do at 3.x from now on; everything at first. One that was revoked or unknown is valid again. */
  allow(scopes: readonly string[]): void;
  /** Calls per route, and the bodies of those that change state, since `forgetCalls`. */
  calls(): { counts: Record<string, number>; mutations: readonly Mutation[] };
  /** The violations of the contract since `forgetCalls`. */
  violations(): readonly Violation[];
  forgetCalls(): void;
  /** Sends webhooks to this address from now on. */
  sendWebhooksTo(url: string): void;
  /** Webhooks sent so far, once all are delivered or given up. */
  webhooks(): Promise<readonly Delivery[]>;
  stop(): Promise<void>;
};

const SANDBOX_PANEL_TOKEN = 'sandbox-panel-token-that-opens-nothing';

/** The interval in real time at which the panel checks for due actions. */
const LOOK_MS = 1000;

/**
 * Starts a Remnawave panel on loopback that keeps the contract, carries out its scheduled actions, records its requests and fails on
 * command.
 */
export async function startPanelSandbox(options: PanelSandboxOptions): Promise<PanelSandbox> {
  const { generation, webhookUrl, webhookSecret = 'sandbox-webhook-secret-0123456789abcdef' } = options;
  const webhooks: Webhooks = new Webhooks({
    url: webhookUrl,
    secret: webhookSecret,
    retryDelayMs: options.webhookRetryDelayMs ?? 5000,
    check: (body) => misfit(webhookContract(state.generation), body),
  });
  const state: PanelState = new PanelState({
    generation,
    version: options.version ?? (generation === 2 ? '2.7.4' : '3.3.2'),
    webhooks,
    startAt: options.startAt,
    bulkDelayMs: options.bulkDelayMs ?? 20,
  });
  seedUsers(state, options.users ?? 0);
  seedNodes(state, options.nodes ?? 0);
  const panel: Panel = {
    state,
    journal: new Journal(),
    lies: new Lies(),
    token: options.token ?? SANDBOX_PANEL_TOKEN,
    tokenRevoked: false,
    isUnknown: false,
    scopes: ['*'],
    validateResponses: options.validateResponses ?? 'all',
  };
  const faults = createFaults({ tooManyRequests: () => ({ statusCode: 429, message: 'Too Many Requests' }) });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    if (request.url?.startsWith('/_sandbox/')) return respond(response, await control(panel, request));
    if (!looksProxied(request)) return void request.socket.destroy();
    // A slow panel has received the request anyway, and carries it out even if the caller has left.
    const body = await readText(request);
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const answered = answer(panel, request, body);
    if (verdict === 'cut-after') return cut(response);
    respond(response, answered);
  };
  const server = await serveOnLoopback(options.port ?? 0, serve, (response, error) =>
    respond(response, { status: 500, body: { message: error.stack } }),
  );
  const actsByItself = options.actsByItself ?? true;
  const looking = actsByItself ? setInterval(() => state.act(), LOOK_MS).unref() : undefined;

  const stop = async (): Promise<void> => {
    clearInterval(looking);
    state.close();
    await Promise.all([server.stop(() => faults.clear()), webhooks.close()]);
  };
  const { port, url } = server;
  return {
    url,
    port,
    token: panel.token,
    now: () => new Date(state.clock.now()),
    advance(ms) {
      state.clock.advance(ms);
      state.act();
    },
    addUser: (user) => state.users.create(user),
    changeUser: (username, change) => Object.assign(known(state.users.byUsername(username), username), change),
    users: () => [...state.users.all()],
    user: (username) => state.users.byUsername(username),
    nodes: () => [...state.nodes.values()],
    addNode: (node) => state.addNode(node),
    changeNode(uuid, change) {
      const node = known(state.nodes.get(uuid), uuid);
      state.changeNode(node, change);
      return node;
    },
    flow: (uuid, bytes, users) => state.flow(known(state.nodes.get(uuid), uuid), bytes, users),
    removeNode: (uuid) => void state.nodes.delete(uuid),
    tell(event, about) {
      const [scope = '', what = ''] = event.split('.');
      if (typeof about === 'string') state.tellUser(what, known(state.users.byUsername(about), about));
      else webhooks.send(scope, event, state.clock.now(), () => about);
    },
    faults(fault) {
      if (fault) return faults.add(fault);
      faults.clear();
      panel.lies.clear();
    },
    held: () => faults.held(),
    lie: (lie) => panel.lies.add(lie),
    revokeToken() {
      panel.tokenRevoked = true;
    },
    upgrade({ version = '3.3.2', token = 'kept' } = {}) {
      state.upgrade(version);
      panel.isUnknown = token === 'unknown';
    },
    restore() {
      state.restore();
      panel.isUnknown = false;
    },
    allow(scopes) {
      panel.isUnknown = false;
      panel.tokenRevoked = false;
      panel.scopes = scopes;
    },
    calls: () => ({ counts: panel.journal.counts, mutations: panel.journal.mutations }),
    violations: () => panel.journal.violations,
    forgetCalls: () => panel.journal.clear(),
    sendWebhooksTo(url) {
      webhooks.url = url;
    },
    async webhooks() {
      await webhooks.settled();
      return webhooks.deliveries;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The panel cuts connections that do not seem to come through a TLS proxy. */
function looksProxied({ headers }: IncomingMessage): boolean {
  return Boolean(headers['x-forwarded-for']) && headers['x-forwarded-proto'] === 'https';
}

function known<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`the sandbox panel has no ${name}`);
  return thing;
}

function respond(response: ServerResponse, { status, body }: HttpAnswer): void {
  if (body === undefined) return void response.writeHead(status).end();
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
