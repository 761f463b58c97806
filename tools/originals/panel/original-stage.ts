import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { seconds } from '../../../src/lib/duration.ts';
import { until } from '../../../src/testing/until.ts';
import { PROXIED } from './original-panel.ts';
import type { Stage } from './player.ts';
import type { GenerationHere, Given, Request, Wait } from './scenario/steps.ts';
import { StandInNode } from './stand-in-node.ts';

/** The panel's own looks come every 30 s, 45 s and more on a busy machine. */
const BY_ITSELF_MS = seconds(240);

/** Seldom, as a panel that is asked all the time gets to nothing else on a busy machine. */
const LOOK_EVERY_MS = 500;

/** What the panel's queues need for a bulk call. */
const SETTLED_MS = seconds(6);

/** The panel takes the token of an admin from its own pages only. */
const BROWSER = { 'x-remnawave-client-type': 'browser' };

const PASSWORD = 'Nobody-Guesses-This-1234567890';

type Json = Record<string, never>;

type User = { status: string; userTraffic: { usedTrafficBytes: number; lastConnectedNodeUuid: string | null } };

/** A real panel as a scenario needs it: its admin, its tokens, stand-in nodes, and the traffic that its database is told. */
export class OriginalStage implements Stage {
  readonly url: string;
  readonly generation: GenerationHere;
  readonly nodes = new Map<string, { node: StandInNode; uuid: string }>();
  readonly #databaseUrl: string;
  readonly #tokens = new Map<string, string>();
  #admin = '';

  constructor(url: string, generation: GenerationHere, databaseUrl: string) {
    this.url = url;
    this.generation = generation;
    this.#databaseUrl = databaseUrl;
  }

  now = (): number => Date.now();

  /** Makes the first admin of a new panel, or logs in where there is one. */
  async enter(): Promise<void> {
    const body = { username: 'admin', password: PASSWORD };
    const registered = await this.ask('POST', '/api/auth/register', body).catch(() => undefined);
    const answer = registered ?? (await this.ask('POST', '/api/auth/login', body));
    this.#admin = (answer as unknown as { accessToken: string }).accessToken;
  }

  /** Removes all users and nodes of a record before this one. */
  async clear(): Promise<void> {
    const { users } = (await this.ask('GET', '/api/users?size=1000')) as unknown as {
      users: { uuid?: string; id: number }[];
    };
    const keys = users.map(({ id, uuid }) => uuid ?? id);
    const body = this.generation === 2 ? { uuids: keys } : { userIds: keys };
    if (keys.length > 0) await this.ask('POST', '/api/users/bulk/delete', body);
    const nodes = (await this.ask('GET', '/api/nodes')) as unknown as { uuid: string }[];
    for (const { uuid } of nodes) await this.ask('DELETE', `/api/nodes/${uuid}`);
  }

  async token(wanted: Request['token']): Promise<string | undefined> {
    if (wanted === 'none') return undefined;
    if (wanted === 'wrong') return 'a-wrong-token';
    const scopes = typeof wanted === 'object' ? wanted : ['*'];
    const key = wanted === 'deleted' ? 'deleted' : scopes.join(' ');
    const known = this.#tokens.get(key);
    if (known) return known;
    const name = `t${this.#tokens.size}-${Math.floor(Date.now() / 1000) % 1_000_000}`;
    const body = this.generation === 2 ? { tokenName: name } : { name, expiresInDays: 30, scopes };
    const made = (await this.ask('POST', '/api/tokens', body)) as unknown as { uuid: string; token: string };
    if (wanted === 'deleted') await this.ask('DELETE', `/api/tokens/${made.uuid}`);
    this.#tokens.set(key, made.token);
    return made.token;
  }

  async given(given: Given['given'], keys: ReadonlyMap<string, string>): Promise<string | undefined> {
    if (given.what === 'traffic') return void (await this.#traffic(keys.get(given.user)!, given.usedTrafficBytes));
    if (given.what === 'node') return await this.#addNode(given);
    if (given.what === 'weights') return void (await this.#weigh(given));
    const users: Record<string, { uplink: number; downlink: number }> = {};
    for (const [name, bytes] of Object.entries(given.users ?? {})) {
      users[await this.#numberOf(keys.get(name)!)] = parted(bytes);
    }
    this.nodes.get(given.node)!.node.flow({ ...parted(given.bytes), ...(given.users && { users }) });
    return undefined;
  }

  async wait(wait: Wait['wait'], keys: ReadonlyMap<string, string>): Promise<void> {
    if ('state' in wait && wait.state === 'down') await this.nodes.get(wait.node)!.node.stop();
    const look = async (): Promise<boolean> => (await this.#isSo(wait, keys)) || (await sleep(LOOK_EVERY_MS, false));
    await until(JSON.stringify(wait), look, BY_ITSELF_MS);
  }

  async #isSo(wait: Wait['wait'], keys: ReadonlyMap<string, string>): Promise<boolean> {
    if ('user' in wait) {
      const user = (await this.ask('GET', `/api/users/${keys.get(wait.user)}`)) as unknown as User;
      if ('status' in wait) return user.status === wait.status;
      const { lastConnectedNodeUuid, usedTrafficBytes } = user.userTraffic;
      return 'lastNode' in wait
        ? lastConnectedNodeUuid === keys.get(wait.lastNode)
        : usedTrafficBytes >= wait.usedTrafficBytes;
    }
    const key = keys.get(wait.node)!;
    if ('state' in wait) return stateOf((await this.ask('GET', `/api/nodes/${key}`)) as object) === wait.state;
    const day = new Date().toISOString().slice(0, 10);
    const { series } = (await this.ask('GET', `/api/bandwidth-stats/nodes?start=${day}&end=${day}`)) as unknown as {
      series: { uuid: string; total: number }[];
    };
    return series.some(({ total, uuid }) => uuid === key && total >= wait.flownToday);
  }

  settle = (): Promise<void> => sleep(SETTLED_MS);

  /** A request of the admin's own. Rejects where it is refused. */
  async ask(method: string, path: string, body?: object): Promise<Json> {
    const headers = {
      ...PROXIED,
      ...BROWSER,
      'content-type': 'application/json',
      authorization: `Bearer ${this.#admin}`,
    };
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as { response: Json }).response;
  }

  async stop(): Promise<void> {
    for (const { node } of this.nodes.values()) await node.stop().catch(() => undefined);
  }

  /** Traffic that no node has reported: as the panel's database would have it. */
  async #traffic(key: string, used: number): Promise<void> {
    const client = new Client({ connectionString: this.#databaseUrl });
    await client.connect();
    const id = await this.#numberOf(key);
    await client.query(
      `update user_traffic set used_traffic_bytes = $1, lifetime_used_traffic_bytes = $1 where ${this.generation === 2 ? 't_id' : 'id'} = $2`,
      [used, id],
    );
    await client.end();
  }

  /** Both generations number their users; nodes know them by nothing else. */
  async #numberOf(key: string): Promise<number> {
    return ((await this.ask('GET', `/api/users/${key}`)) as unknown as { id: number }).id;
  }

  async #weigh({ node, what: _, ...weights }: Extract<Given['given'], { what: 'weights' }>): Promise<void> {
    await this.ask('PATCH', '/api/nodes', { uuid: this.nodes.get(node)!.uuid, ...weights });
  }

  async #addNode({
    bind,
    name,
    countryCode,
    what: _,
    ...weights
  }: Extract<Given['given'], { what: 'node' }>): Promise<string> {
    const keys = (await this.ask('GET', '/api/keygen')) as unknown as { pubKey: string };
    const node = new StandInNode(keys.pubKey);
    // No two nodes of a panel have one address.
    const address = `127.0.0.${this.nodes.size + 2}`;
    const { inbounds } = (await this.ask('GET', '/api/config-profiles/inbounds')) as unknown as {
      inbounds: { uuid: string; profileUuid: string }[];
    };
    const body = {
      ...{ name, countryCode, address, port: await node.listen(address), isTrafficTrackingActive: true },
      configProfile: { activeConfigProfileUuid: inbounds[0]!.profileUuid, activeInbounds: [inbounds[0]!.uuid] },
      ...weights,
    };
    const { uuid } = (await this.ask('POST', '/api/nodes', body)) as unknown as { uuid: string };
    this.nodes.set(bind, { node, uuid });
    return uuid;
  }
}

/** A quarter goes up, the rest comes down. */
function parted(bytes: number): { uplink: number; downlink: number } {
  const uplink = Math.floor(bytes / 4);
  return { uplink, downlink: bytes - uplink };
}

function stateOf({ isConnected, isConnecting, isDisabled }: Partial<Record<string, unknown>>): string {
  if (isDisabled) return 'disabled';
  if (isConnected) return 'connected';
  return isConnecting ? 'connecting' : 'down';
}
