import type { IncomingMessage } from 'node:http';
import { type HttpAnswer, type Panel, readText } from './answer.ts';
import type { NodeChange } from './state.ts';
import type { NewUser } from './users.ts';
import { nodeToWire, userToWire } from './wire.ts';

type Fields = Record<string, unknown>;

/**
 * `/_sandbox/…`, for demo and other processes; tests in the same process use the handle.
 *
 *     GET  calls         {counts, mutations}       DELETE calls: forget them
 *     GET  violations    of the contract
 *     GET  clock         {now}                     POST advance {seconds}
 *     GET  webhooks      the sent webhooks and whether they arrived
 *     POST lies          see `lies.ts`             DELETE lies
 *     POST upgrade       {version}                 DELETE upgrade: the old database is put back
 *     POST token         {revoked, scopes}
 *     POST users         {username, expireAt, …}   PATCH users/{id or username}
 *     POST nodes         {name, countryCode, …}    POST nodes/{uuid or name} {state, usersOnline, …}
 */
export async function control(panel: Panel, request: IncomingMessage): Promise<HttpAnswer> {
  const path = new URL(request.url ?? '/', 'http://sandbox').pathname.slice('/_sandbox/'.length);
  const [what, key] = path.split('/').map(decodeURIComponent);
  const text = await readText(request);
  const body = (text === '' ? {} : JSON.parse(text)) as Fields;
  const { state, journal, lies } = panel;
  const now = (): HttpAnswer => ({ status: 200, body: { now: new Date(state.clock.now()).toISOString() } });

  switch (`${request.method} ${what}`) {
    case 'GET calls':
      return { status: 200, body: { counts: journal.counts, mutations: journal.mutations } };
    case 'DELETE calls':
      journal.clear();
      return { status: 204 };
    case 'GET violations':
      return { status: 200, body: { violations: journal.violations } };
    case 'GET clock':
      return now();
    case 'POST advance':
      state.clock.advance(Number(body.seconds) * 1000);
      state.act();
      return now();
    case 'GET webhooks':
      return { status: 200, body: { deliveries: state.webhooks.deliveries } };
    case 'POST lies':
      lies.add(body);
      return { status: 204 };
    case 'DELETE lies':
      lies.clear();
      return { status: 204 };
    case 'POST upgrade':
      state.upgrade(String(body.version ?? '3.3.2'));
      return { status: 204 };
    case 'DELETE upgrade':
      state.restore();
      return { status: 204 };
    case 'POST token':
      panel.tokenRevoked = body.revoked === true;
      panel.scopes = Array.isArray(body.scopes) ? body.scopes.map(String) : panel.scopes;
      return { status: 204 };
    case 'POST users': {
      const user = state.users.create(withTimes(body) as NewUser);
      return { status: 201, body: userToWire(user, state.generation) };
    }
    case 'PATCH users': {
      const user = state.users.byId(Number(key)) ?? state.users.byUsername(key ?? '');
      if (!user) return missing(`user ${key}`);
      Object.assign(user, withTimes(body));
      return { status: 200, body: userToWire(user, state.generation) };
    }
    case 'POST nodes': {
      const node =
        key === undefined ? state.addNode(body as { name: string; countryCode: string }) : nodeNamed(panel, key);
      if (!node) return missing(`node ${key}`);
      if (key !== undefined) state.changeNode(node, body as NodeChange);
      return { status: 200, body: nodeToWire(node, state.generation, state.clock.now()) };
    }
    default:
      return missing(`${request.method} /_sandbox/${path}`);
  }
}

function nodeNamed({ state }: Panel, key: string) {
  return state.nodes.get(key) ?? [...state.nodes.values()].find(({ name }) => name === key);
}

/** Times arrive as ISO text, as everywhere in the panel's API. */
function withTimes(body: Fields): Fields {
  const entries = Object.entries(body).map(([name, value]) => {
    return [name, name.endsWith('At') && typeof value === 'string' ? Date.parse(value) : value];
  });
  return Object.fromEntries(entries);
}

const missing = (what: string): HttpAnswer => ({ status: 404, body: { error: `the sandbox has no ${what}` } });
