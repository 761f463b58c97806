import { sql } from 'kysely';
import { IDLE_IN_TRANSACTION_MS, STATEMENT_LIMIT_MS } from '../../repositories/database.ts';
import { type OwnSchemaState, ownSchemaState } from '../../repositories/history/own-schema.ts';
import { missingPrivileges } from '../../repositories/privileges.ts';
import { checkSchema } from '../../repositories/schema-check.ts';
import type { Examination, Finding } from '../../triggers/examination.ts';
import { type App, HISTORY_CONNECTIONS } from '../build-app.ts';
import { after, failed, ok, timed, warning } from './findings.ts';

const GROUP = 'PostgreSQL';

/** From this version on `gen_random_uuid()` needs no extension: https://www.postgresql.org/docs/13/release-13.html */
const OLDEST = 13;

type Server = {
  version: string;
  number: number;
  is_replica: boolean;
  tls: string | null;
  encoding: string;
  connections: number;
  used: number;
  role: string;
  statement_limit_ms: number;
  idle_limit_ms: number;
};

/** Asks the server once. Findings that depend on the answer are unknown while it does not answer. */
export function postgresExaminations({ config, database }: App): readonly Examination[] {
  const ask = async () => {
    await sql`select 1`.execute(database);
    // The first answer includes opening a connection.
    const { latencyMs } = await timed(() => sql`select 1`.execute(database));
    const { rows } = await sql<Server>`
      select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as number,
             pg_is_in_recovery() or current_setting('transaction_read_only')::bool as is_replica,
             (select version from pg_stat_ssl where pid = pg_backend_pid() and ssl) as tls,
             current_setting('server_encoding') as encoding,
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as connections,
             (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
             quote_ident(current_user) as role,
             (select setting::int from pg_settings where name = 'statement_timeout') as statement_limit_ms,
             (select setting::int from pg_settings where name = 'idle_in_transaction_session_timeout') as idle_limit_ms`.execute(
      database,
    );
    return { server: rows[0]!, latencyMs };
  };
  const asked = ask();
  asked.catch(() => undefined);
  const then = (name: string, look: (server: Server) => Finding | Promise<Finding>): Examination => ({
    group: GROUP,
    name,
    advice: 'see the line above',
    examine: () => after('PostgreSQL', asked, async () => await look((await asked).server)),
  });

  return [
    {
      group: GROUP,
      name: 'Server',
      advice: 'is it up, and are host, database, user, password and certificates of DATABASE_URL right?',
      async examine() {
        const { latencyMs, server } = await asked;
        return serverFinding(server, latencyMs);
      },
    },
    then('Limits', limitsFinding),
    then('Connections', async (server) => connectionsFinding(server, config, await ownSchemaState(database))),
    then('Tables', async () => {
      const drifts = await checkSchema(database);
      const errors = drifts.filter(({ severity }) => severity === 'error');
      if (drifts.length === 0) return ok('every table, column and index that queries need is there');
      const shown = (errors.length > 0 ? errors : drifts).map(({ problem }) => problem);
      const text = shown.slice(0, 3).join('; ') + (shown.length > 3 ? `; and ${shown.length - 3} more` : '');
      const advice = "run the backend's migrations; task-worker schema check says all";
      return errors.length > 0 ? failed(text, advice) : warning(text, advice);
    }),
    then('Privileges', async () => {
      const missing = await missingPrivileges(database);
      if (missing.length === 0) return ok('the role may do on each table what the worker does');
      const text = missing.map(({ privilege, table }) => `${privilege} on ${table}`).join(', ');
      return failed(`the role lacks: ${text}`, missing.map(({ grant }) => grant).join(' '));
    }),
    then('History', async () => historyFinding(await ownSchemaState(database), config)),
  ];
}

function serverFinding({ encoding, is_replica, number, tls, version }: Server, latencyMs: number): Finding {
  const name = `PostgreSQL ${version}${tls === null ? '' : `, ${tls}`}`;
  if (number < OLDEST) return failed(`${name} is too old`, `upgrade to PostgreSQL ${OLDEST} or newer`);
  if (is_replica) return failed(`${name} takes no writes: a standby, or read-only`, 'name the primary in DATABASE_URL');
  if (encoding !== 'UTF8')
    return failed(
      `${name}: the database is in ${encoding}, which cannot hold every message`,
      'use a database with encoding UTF8',
    );
  return ok(name, latencyMs);
}

/** Both are fine, with and without: no task needs it. */
function historyFinding(state: OwnSchemaState, { HISTORY_DAYS }: App['config']): Finding {
  if (state.kind === 'absent') return ok('not kept; task-worker schema install keeps it');
  if (state.kind === 'older')
    return warning(`not kept: the schema task_worker lacks ${state.missing.join(', ')}`, 'task-worker schema install');
  if (state.kind === 'no_rights')
    return warning('not kept: the role lacks rights in the schema task_worker', state.grants.join(' '));
  const made = state.kind === 'newer' ? ', in a schema that a newer version has made' : '';
  return ok(`kept for ${HISTORY_DAYS} days${made}`);
}

/** A pooler does not carry the limits that the worker asks for; the role can have them of its own. */
function limitsFinding({ idle_limit_ms, role, statement_limit_ms }: Server): Finding {
  const inForce = (ms: number, wantedMs: number): boolean => ms > 0 && ms <= wantedMs * 2;
  const text = `a statement ends after ${limit(statement_limit_ms)}, a transaction that stands idle after ${limit(idle_limit_ms)}`;
  if (inForce(statement_limit_ms, STATEMENT_LIMIT_MS) && inForce(idle_limit_ms, IDLE_IN_TRANSACTION_MS))
    return ok(text);
  return warning(
    `${text}: a pooler keeps the limits of the worker from the server`,
    `give them to the role: ALTER ROLE ${role} SET statement_timeout = '${limit(STATEMENT_LIMIT_MS, '')}'; ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '${limit(IDLE_IN_TRANSACTION_MS, '')}'; ALTER ROLE ${role} SET jit = off; then RECONNECT in the pooler`,
  );
}

const limit = (ms: number, space = ' '): string => (ms === 0 ? 'no time' : `${ms / 1000}${space}s`);

/** Counts one supervisor with its own pool where there are several worker processes, and a scheduler beside them. */
function connectionsFinding(
  { connections, used }: Server,
  { DB_POOL_SIZE, WORKER_CONCURRENCY }: App['config'],
  history: OwnSchemaState,
): Finding {
  const processes = WORKER_CONCURRENCY === 1 ? 2 : WORKER_CONCURRENCY + 2;
  const wanted = processes * (DB_POOL_SIZE + (history.kind === 'absent' ? 0 : HISTORY_CONNECTIONS));
  const text = `${used} of ${connections} in use; one worker and one scheduler open up to ${wanted}`;
  if (wanted <= connections) return ok(text);
  return warning(
    text,
    `lower DB_POOL_SIZE (${DB_POOL_SIZE}) or WORKER_CONCURRENCY, raise max_connections, or put a pooler between`,
  );
}
