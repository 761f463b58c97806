import { sql } from 'kysely';
import { missingPrivileges } from '../../repositories/privileges.ts';
import { checkSchema } from '../../repositories/schema-check.ts';
import type { Examination, Finding } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
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
             (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used`.execute(
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
    then('Connections', (server) => connectionsFinding(server, config)),
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
  ];
}

function serverFinding({ encoding, is_replica, number, tls, version }: Server, latencyMs: number): Finding {
  const name = `PostgreSQL ${version}${tls === null ? '' : `, ${tls}`}`;
  if (number < OLDEST) return failed(`${name} is too old`, `upgrade to PostgreSQL ${OLDEST} or newer`);
  if (is_replica) return failed(`${name} takes no writes: a standby, or read-only`, 'name the primary in DATABASE_URL');
  if (encoding !== 'UTF8')
    return failed(
      `${name}: the database is in ${encoding}, which can not hold every message`,
      'use a database with encoding UTF8',
    );
  return ok(name, latencyMs);
}

/** Counts one supervisor with its own pool where there are several worker processes, and a scheduler beside them. */
function connectionsFinding(
  { connections, used }: Server,
  { DB_POOL_SIZE, WORKER_CONCURRENCY }: App['config'],
): Finding {
  const processes = WORKER_CONCURRENCY === 1 ? 2 : WORKER_CONCURRENCY + 2;
  const wanted = processes * DB_POOL_SIZE;
  const text = `${used} of ${connections} in use; one worker and one scheduler open up to ${wanted}`;
  if (wanted <= connections) return ok(text);
  return warning(
    text,
    `lower DB_POOL_SIZE (${DB_POOL_SIZE}) or WORKER_CONCURRENCY, raise max_connections, or put a pooler between`,
  );
}
