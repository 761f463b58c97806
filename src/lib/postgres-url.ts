import { isIP } from 'node:net';
import { loginProblem } from './url-login.ts';
import { parameterForms, passwordsIn } from './url-secrets.ts';

/**
 * The encryption modes in libpq's words (https://www.postgresql.org/docs/current/libpq-ssl.html). `allow` and `prefer` are left out,
 * because they fall back silently to a connection that anybody can read.
 */
const MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

/**
 * Turns a PostgreSQL URL, read as libpq reads it, into one for the driver. Accepts `postgresql+asyncpg://` and its `ssl=`, as the
 * platform's backend writes them. Throws an `Error` whose message says what is wrong and leaves out every part of the URL that could be
 * secret.
 */
export function postgresUrl(text: string): string {
  const wrongLogin = loginProblem(text);
  if (wrongLogin) throw new Error(wrongLogin);
  const plain = withoutEmptyHost(text.replace(/^postgres(ql)?(\+(asyncpg|psycopg))?:/, 'postgresql:'));
  if (!plain.startsWith('postgresql://') || !URL.canParse(plain))
    throw new Error('must be a URL starting with postgresql:// or postgresql+asyncpg://');
  const url = new URL(plain);
  if (url.hostname.includes(',')) throw new Error('names several hosts, but the driver takes one');
  const query = url.searchParams;
  const mode = query.get('sslmode') ?? modeOfAsyncpg(query.get('ssl'));
  if (query.has('ssl')) query.delete('ssl');
  if (mode !== undefined && !MODES.includes(mode))
    throw new Error(`has an sslmode that is none of ${MODES.join(', ')}`);
  if (query.get('sslrootcert') === 'system') {
    query.delete('sslrootcert');
    query.set('sslmode', 'verify-full');
  } else if (mode !== undefined) query.set('sslmode', mode);
  if (query.has('sslrootcert') && !query.has('sslmode')) throw new Error('has an sslrootcert but no sslmode');
  if (query.get('sslmode') === 'verify-ca' && !query.has('sslrootcert'))
    throw new Error('needs sslrootcert for verify-ca: any public CA would do otherwise');
  if (query.get('sslmode') === 'verify-full' && isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0)
    throw new Error('names the server by its address, but verify-full compares names: use its name, or verify-ca');
  // Without this parameter the driver treats `require` and `verify-ca` as `verify-full`.
  if (query.has('sslmode')) query.set('uselibpqcompat', 'true');
  return url.href;
}

/**
 * libpq takes `user:password@/database?host=/run/postgresql`, whose host is a parameter. A URL has no login without a host, so the login becomes
 * parameters too.
 */
function withoutEmptyHost(url: string): string {
  const [, login, rest] = /^postgresql:\/\/([^@/?#]*)@(\/.*)$/.exec(url) ?? [];
  if (login === undefined || rest === undefined) return url;
  const [user, ...password] = login.split(':');
  const given = `user=${user}${password.length > 0 ? `&password=${password.join(':')}` : ''}`.replaceAll('+', '%2B');
  return `postgresql://${rest}${rest.includes('?') ? '&' : '?'}${given}`;
}

/** The paths of the PEM files that a PostgreSQL URL names. */
export function filesOfPostgresUrl(url: string): string[] {
  const query = new URL(url).searchParams;
  return ['sslrootcert', 'sslcert', 'sslkey'].flatMap((name) => query.get(name) ?? []);
}

/** Every secret part of the URL in every form, for masking. The driver also takes a password from the query. */
export function secretsOfPostgresUrl(url: string): string[] {
  return [...passwordsIn(url), ...parameterForms(url, 'password'), ...parameterForms(url, 'sslpassword')];
}

function modeOfAsyncpg(ssl: string | null): string | undefined {
  if (ssl === null) return undefined;
  if (ssl === 'true' || ssl === '1') return 'verify-full';
  return ssl === 'false' || ssl === '0' ? 'disable' : ssl;
}
