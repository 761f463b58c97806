import type { IncomingMessage } from 'node:http';
import { contractOf, misfit, type RouteContract, type Schema, scopeOf } from './contract.ts';
import type { Journal } from './journal.ts';
import type { Lies } from './lies.ts';
import { DomainError, InternalError } from './model.ts';
import { type Match, matching, type Reply, type Route } from './routes.ts';
import type { PanelState } from './state.ts';

export type Panel = {
  state: PanelState;
  journal: Journal;
  lies: Lies;
  token: string;
  tokenRevoked: boolean;
  /** After an upgrade without the old secret, and for an hour with it where nobody cleared the panel's own cache, its old token is unknown. */
  isUnknown: boolean;
  /** What 3.x lets the token do, as its guard reads it: `*`, `users:*`, `users:read`, `users:stream`. Tokens of 2.x may do everything. */
  scopes: readonly string[];
  /** `sample`: of a listing only the first five users are checked, because checking 100,000 takes long. */
  validateResponses: 'all' | 'sample';
};

export type HttpAnswer = { status: number; body?: unknown };

/** Users of a listing that `sample` checks. */
const SAMPLE = 5;

/**
 * Answers as the panel does, checking both directions against the contract. `text` is the request's body. In the panel's order: a body that
 * is no JSON, then a route that does not exist, then the token, then what it may do, then what is asked.
 */
export function answer(panel: Panel, request: IncomingMessage, text: string): HttpAnswer {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const method = request.method ?? 'GET';
  const { generation } = panel.state;
  const unknown = framework(404, `Cannot ${method} ${url.pathname}`, 'Not Found');
  let body: unknown;
  try {
    body = isJson(request) && text !== '' ? JSON.parse(text) : undefined;
  } catch (error) {
    // 2.x takes a body that it cannot read for a route that it does not have.
    return generation === 2 ? unknown : framework(400, (error as Error).message, 'Bad Request');
  }
  const match = matching(method, url.pathname).find(({ route }) => contractOf(generation, route.name));
  if (!match) {
    const route = `${method} ${url.pathname}`;
    panel.journal.violations.push({ where: 'route', route, problem: `no such route in generation ${generation}` });
    return unknown;
  }
  const refused = authorise(panel, request.headers.authorization);
  if (refused) return refused;
  const label = `${method} ${match.route.path}`;
  panel.journal.called(label);
  if (generation === 3 && !mayCall(panel.scopes, match.route)) return framework(403, 'Forbidden resource', 'Forbidden');

  const answered = answerMatch(panel, { match, label, url, body });
  if (method !== 'GET') {
    panel.journal.mutations.push({ route: label, path: url.pathname, body, status: answered.status, at: Date.now() });
  }
  return answered;
}

const isJson = ({ headers }: IncomingMessage): boolean => headers['content-type']?.includes('json') ?? false;

function authorise({ isUnknown, token, tokenRevoked }: Panel, header: string | undefined): HttpAnswer | undefined {
  if (header !== `Bearer ${token}` || isUnknown)
    return { status: 401, body: { message: 'Unauthorized', statusCode: 401 } };
  return tokenRevoked ? framework(403, 'Forbidden resource', 'Forbidden') : undefined;
}

/** As `scopes.guard.ts` of 3.3.2: it looks before anything of the request is validated. */
function mayCall(scopes: readonly string[], { name, path }: Route): boolean {
  const resource = path.split('/')[2];
  const { slug, kind } = scopeOf(name);
  return ['*', `${resource}:*`, `${resource}:${kind}`, `${resource}:${slug}`].some((scope) => scopes.includes(scope));
}

type Matched = { match: Match; label: string; url: URL; body: unknown };

function answerMatch(panel: Panel, { match, label, url, body }: Matched): HttpAnswer {
  const { state, journal } = panel;
  const { route, params } = match;
  const contract = contractOf(state.generation, route.name)!;
  const violated = (where: 'request' | 'response', problem: string) =>
    journal.violations.push({ where, route: label, problem });

  const { user, ...others } = params;
  const named = user === undefined ? others : { [state.generation === 2 ? 'uuid' : 'userId']: user };
  const query = parsedQuery(contract, url);
  if (query === 'unreadable') {
    const [statusCode, message] = state.generation === 2 ? [500, 'Internal server error'] : [400, 'Validation failed'];
    return { status: statusCode as number, body: { statusCode, message } };
  }
  const issues = [
    ...(contract.params?.safeParse(named).error?.issues ?? []),
    ...(query?.error?.issues ?? []),
    ...(contract.body?.safeParse(inRealTime(body, state)).error?.issues ?? []),
  ];
  if (issues.length > 0) {
    violated('request', issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
    return { status: 400, body: { statusCode: 400, message: 'Validation failed', errors: issues } };
  }
  // The panel silently drops unknown keys. A client that sends them is wrong about the contract.
  for (const key of unknownKeys(contract.body, inRealTime(body, state))) violated('request', `unknown field ${key}`);

  let reply: Reply;
  try {
    const call = { state, params, query: (query?.data ?? {}) as Record<string, unknown> };
    reply = route.run({ ...call, body: (body ?? {}) as Record<string, unknown> });
  } catch (error) {
    if (error instanceof InternalError)
      return { status: 500, body: { statusCode: 500, message: 'Internal server error' } };
    if (error instanceof DomainError) return domain(error, url.pathname + url.search, state);
    throw error;
  }
  const problem = responseMisfit(contract, reply, panel.validateResponses);
  if (problem !== undefined) {
    violated('response', problem);
    return { status: 500, body: { message: `the sandbox's own answer does not fit the contract: ${problem}` } };
  }
  if (reply.response === undefined) return { status: reply.status };
  return { status: reply.status, body: { response: panel.lies.tell(url.pathname, reply.response) } };
}

/** Text of a query that should be JSON and is not ends the panel's own reading of it. */
function parsedQuery(contract: RouteContract, { searchParams }: URL) {
  try {
    return contract.query?.safeParse(Object.fromEntries(searchParams));
  } catch {
    return 'unreadable' as const;
  }
}

function responseMisfit(contract: RouteContract, reply: Reply, mode: Panel['validateResponses']): string | undefined {
  if (reply.response === undefined) return contract.response && 'an empty answer';
  // In the statistics `users` are counts.
  const { users } = reply.response as { users?: unknown };
  const checked =
    mode === 'sample' && Array.isArray(users) ? { ...reply.response, users: users.slice(0, SAMPLE) } : reply.response;
  return misfit(contract.response, { response: checked });
}

/** The contract compares `expireAt` with the real clock; the panel's may be elsewhere. */
function inRealTime(body: unknown, { clock }: PanelState): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const { expireAt, fields } = body as { expireAt?: unknown; fields?: unknown };
  const moved = typeof expireAt === 'string' && !Number.isNaN(Date.parse(expireAt));
  return {
    ...body,
    ...(moved && { expireAt: new Date(Date.parse(expireAt) + Date.now() - clock.now()).toISOString() }),
    ...(fields !== undefined && { fields: inRealTime(fields, { clock } as PanelState) }),
  };
}

function unknownKeys(schema: Schema | undefined, body: unknown): string[] {
  if (!schema) return [];
  const sent = body as Record<string, unknown>;
  const known = (schema.safeParse(body).data ?? {}) as Record<string, unknown>;
  const nested = Object.keys((sent.fields as object | undefined) ?? {}).filter(
    (key) => !(key in (known.fields as object)),
  );
  return [...Object.keys(sent).filter((key) => !(key in known)), ...nested.map((key) => `fields.${key}`)];
}

function domain(error: DomainError, path: string, { clock }: PanelState): HttpAnswer {
  const { message, errorCode, status } = error;
  return { status, body: { timestamp: new Date(clock.now()).toISOString(), path, message, errorCode } };
}

const framework = (statusCode: number, message: string, error: string): HttpAnswer => {
  return { status: statusCode, body: { message, error, statusCode } };
};

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export { readText };
