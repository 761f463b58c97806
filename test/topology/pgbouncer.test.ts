import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../../src/lib/duration.ts';
import { errorMessage } from '../../src/lib/errors.ts';
import { missingPoolerPackages } from '../../src/testing/servers/binaries.ts';
import type { LocalServer } from '../../src/testing/servers/local-server.ts';
import { startPgbouncer } from '../../src/testing/servers/pgbouncer.ts';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';
import { commandHere } from '../../src/testing/world/command-here.ts';
import { World } from '../../src/testing/world/world.ts';
import { installServers } from '../install-servers.ts';
import { WORK_ENVIRONMENT, Work } from './work.ts';

/** Fewer than the connections of the worker, so that its transactions share them. */
const SESSIONS = 3;

await installServers(missingPoolerPackages());
const lacking = missingPoolerPackages();
const title = 'behind PgBouncer in transaction mode';

describe.skipIf(lacking.length > 0)(lacking.length > 0 ? `${title} (SKIPPED: no ${lacking[0]} here)` : title, () => {
  let world: World;
  let pooler: LocalServer;
  let deaf: LocalServer;
  beforeAll(async () => {
    world = await World.start({ panel: { validateResponses: 'sample', generation: 2 }, env: WORK_ENVIRONMENT });
    const options = { postgresPort: world.postgres.port, sessions: SESSIONS };
    pooler = await startPgbouncer(options);
    deaf = await startPgbouncer({
      ...options,
      ignored: ['statement_timeout', 'idle_in_transaction_session_timeout', 'options'],
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await pooler?.[Symbol.asyncDispose]();
    await deaf?.[Symbol.asyncDispose]();
  });

  const through = ({ port }: LocalServer): { DATABASE_URL: string } => {
    const url = new URL(world.databaseUrl);
    url.port = String(port);
    return { DATABASE_URL: url.href };
  };
  const limits = async (server: LocalServer): Promise<string> => {
    const { stdout } = await commandHere(['doctor'], { ...world.env, ...through(server) });
    return stdout.slice(stdout.indexOf('Limits'), stdout.indexOf('Connections'));
  };

  test(
    'a broadcast, a bulk operation and payments are done, each once',
    async () => {
      const work = new Work(world, await world.start('all', through(pooler)));
      await work.begin();
      await work.payTheRest();
      await work.ends((text) => world.pool.query(text));
    },
    seconds(240),
  );

  test('doctor says that no limit is in force, and what it advises brings them', async () => {
    for (const server of [pooler, deaf]) {
      const said = await limits(server);
      expect(said).toMatch(/a statement ends after no time.*a pooler keeps the limits/s);
      expect(said).toContain("ALTER ROLE postgres SET statement_timeout = '30s'");
    }
    const admin = new Client(world.databaseUrl);
    await admin.connect();
    const advice = (await limits(pooler)).replace(/\s+/g, ' ');
    for (const [statement] of advice.matchAll(/ALTER ROLE \S+ SET \w+ = [\w']+/g)) await admin.query(statement);
    const { rows } = await admin.query('select unnest(setconfig) as setting from pg_db_role_setting');
    expect(rows).toContainEqual({ setting: 'jit=off' });
    await admin.end();
    await pooler.restart();
    expect(await limits(pooler)).toContain('a statement ends after 30 s, a transaction that stands idle after 20 s');
  });

  test(
    'every task that needs no payload runs, an audit archive and an export are complete',
    async () => {
      await using poolers = new AsyncDisposableStack();
      const app: TestApp = poolers.use(
        await testApp(async ({ DATABASE_URL }) => {
          const url = new URL(DATABASE_URL!);
          const own = poolers.use(await startPgbouncer({ postgresPort: Number(url.port), sessions: SESSIONS }));
          url.port = String(own.port);
          return { DATABASE_URL: url.href, AUDIT_ARCHIVE: 'true' };
        }),
      );
      await app.database.pool.query(
        `insert into audit_logs (id, action, entity_type, created_at)
       select gen_random_uuid(), 'old', 'test', now() - interval '100 days' from generate_series(1, 3000)`,
      );
      const troubles: string[] = [];
      const run = async (name: string, payload = {}) =>
        await app.run(name, payload).catch((error: unknown) => {
          if (isOfDatabase(error)) troubles.push(`${name}: ${errorMessage(error)}`);
          return undefined;
        });
      const exported = await run('generate_data_export', { export_type: 'audit' });
      const archived = await run('archive_old_audit_logs');
      for (const { name } of app.app.registry.tasks) await run(name);
      expect(troubles).toEqual([]);
      expect(exported).toMatchObject({ rows: 3000 });
      expect(archived).toMatchObject({ deleted: 3000, archives: expect.any(Number) });
    },
    seconds(240),
  );
});

/** PostgreSQL's errors, and those of a pooler, have a severity. */
function isOfDatabase(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'severity' in error || isOfDatabase(error.cause);
}
