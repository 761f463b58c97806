import { loginProblem } from './url-login.ts';
import { formsOf, parameterForms } from './url-secrets.ts';

/** A host to connect to first: a server, a node of a cluster, or a sentinel. */
export type RedisNode = { host: string; port: number };

/** The address of Redis and the way to connect, as read from a URL. */
export type RedisAddress = {
  /** `single`: one server. `cluster`: any nodes of a Redis Cluster. `sentinel`: sentinels that know which server is the master. */
  kind: 'single' | 'cluster' | 'sentinel';
  nodes: readonly RedisNode[];
  db: number;
  username?: string;
  password?: string;
  sentinel?: { master: string; username?: string; password?: string };
  tls?: RedisTls;
};

export type RedisTls = {
  /** Paths of PEM files. Without a CA file, the CAs that Node knows are trusted. */
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  /** `full`: chain and host name. `chain`: any host of that CA. `none`: any host; the connection is only encrypted. */
  verify: 'full' | 'chain' | 'none';
};

const URL_PARTS =
  /^(?<scheme>rediss?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<user>[^@/?]*)@)?(?<hosts>[^@/?]*)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/;

/** The names are redis-py's, because the platform's Python side may share the URL. The last two are our own. */
const TLS_PARAMETERS = ['ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile', 'ssl_cert_reqs', 'ssl_check_hostname'];
const SENTINEL_PARAMETERS = ['sentinel_username', 'sentinel_password'];

/**
 * Reads `redis://[user:password@]host:port/db`, `redis+cluster://host:port,host:port` and
 * `redis+sentinel://host:port,host:port/master/db`; with `rediss` instead of `redis` the connection is encrypted.
 * Throws an `Error` whose message says what is wrong, and never holds the URL or a part of it that could be secret.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const wrongLogin = loginProblem(url);
  if (wrongLogin) throw new Error(wrongLogin);
  const parts = URL_PARTS.exec(url)?.groups;
  if (!parts) {
    throw new Error(
      'must look like redis://host:port/db, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/master/db, with rediss instead of redis for TLS',
    );
  }
  const kind = (parts.kind ?? 'single') as RedisAddress['kind'];
  const query = new URLSearchParams(parts.query);
  const tls = tlsOf(parts.scheme === 'rediss', query);
  const path = (parts.path ?? '').replace(/\/$/, '').split('/');
  const [master, dbText] = kind === 'sentinel' ? [path[0], path[1]] : [undefined, path[0]];
  if (path.length > (kind === 'sentinel' ? 2 : 1)) throw new Error('has a path of too many parts');
  if (kind === 'sentinel' && !master) throw new Error('needs the name of the master after the sentinels: …/mymaster/0');
  rejectUnknown(query, kind);
  return {
    kind,
    nodes: nodesOf(parts.hosts ?? '', kind),
    db: dbOf(dbText, kind),
    ...credentialsOf(parts.user),
    ...(master && { sentinel: { master: decodeURIComponent(master), ...sentinelCredentialsOf(query) } }),
    ...(tls && { tls }),
  };
}

/** The paths of the PEM files that a Redis URL names. */
export function filesOfRedisUrl(url: string): string[] {
  const { caFile, certFile, keyFile } = parseRedisUrl(url).tls ?? {};
  return [caFile, certFile, keyFile].filter((path) => path !== undefined);
}

/** Every secret part of the URL in every form, for masking. */
export function secretsOfRedisUrl(url: string): string[] {
  const user = URL_PARTS.exec(url)?.groups?.user ?? '';
  const password = user.includes(':') ? user.slice(user.indexOf(':') + 1) : '';
  return [...formsOf(password), ...parameterForms(url, 'sentinel_password')];
}

function nodesOf(hosts: string, kind: RedisAddress['kind']): RedisNode[] {
  const nodes = hosts.split(',').map((host) => nodeOf(host.trim(), kind === 'sentinel' ? 26_379 : 6379));
  if (kind === 'single' && nodes.length > 1)
    throw new Error('names several hosts: redis+cluster:// and redis+sentinel:// take a list, redis:// takes one');
  return nodes;
}

/** `host`, `host:port` or `[::1]:port`. */
function nodeOf(text: string, defaultPort: number): RedisNode {
  const [, six, four, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = six ?? four;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (!host || port < 1 || port > 65_535) throw new Error('has a host that is not host:port');
  return { host, port };
}

function dbOf(text: string | undefined, kind: RedisAddress['kind']): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,4}$/.test(text)) throw new Error('must end in the number of a database, such as /0');
  if (kind === 'cluster' && Number(text) !== 0) throw new Error('names a database, but a cluster has only number 0');
  return Number(text);
}

function credentialsOf(user: string | undefined): Pick<RedisAddress, 'username' | 'password'> {
  if (user === undefined || user === '') return {};
  const colon = user.indexOf(':');
  const username = decoded(colon === -1 ? user : user.slice(0, colon));
  const password = colon === -1 ? '' : decoded(user.slice(colon + 1));
  return { ...(username && { username }), ...(password && { password }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(
      'has percent signs in its user or password that are no UTF-8: write each that stands for itself as %25',
    );
  }
}

function sentinelCredentialsOf(query: URLSearchParams): { username?: string; password?: string } {
  const username = query.get('sentinel_username');
  const password = query.get('sentinel_password');
  return { ...(username && { username }), ...(password && { password }) };
}

function tlsOf(isEncrypted: boolean, query: URLSearchParams): RedisTls | undefined {
  if (!isEncrypted) {
    const given = TLS_PARAMETERS.find((name) => query.has(name));
    if (given) throw new Error(`has ${given}, which needs rediss:// instead of redis://`);
    return undefined;
  }
  const [caFile, certFile, keyFile] = ['ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile'].map((name) => query.get(name));
  if (!certFile !== !keyFile) throw new Error('needs ssl_certfile and ssl_keyfile together');
  const chain = oneOf(query, 'ssl_cert_reqs', ['required', 'none']) ?? 'required';
  const host = oneOf(query, 'ssl_check_hostname', ['true', 'false']) ?? 'true';
  const verify = chain === 'none' ? 'none' : host === 'true' ? 'full' : 'chain';
  return { verify, ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) };
}

function oneOf(query: URLSearchParams, name: string, values: readonly string[]): string | undefined {
  const value = query.get(name)?.toLowerCase();
  if (value === undefined || values.includes(value)) return value;
  throw new Error(`has a ${name} that is neither ${values.join(' nor ')}`);
}

function rejectUnknown(query: URLSearchParams, kind: RedisAddress['kind']): void {
  const known = [...TLS_PARAMETERS, ...(kind === 'sentinel' ? SENTINEL_PARAMETERS : [])];
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`has a parameter that is not known; known are ${known.join(', ')}`);
}
