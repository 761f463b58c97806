import { Client, Pool } from 'pg';
import { afterAll, beforeAll, test } from 'vitest';
import { seconds } from '../../src/lib/duration.ts';
import type { LocalPostgres } from '../../src/testing/servers/postgres.ts';
import { startStandby } from '../../src/testing/servers/postgres-standby.ts';
import { TcpProxy } from '../../src/testing/servers/tcp-proxy.ts';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { WORK_ENVIRONMENT, Work } from './work.ts';

let world: World;
let standby: LocalPostgres;
let address: TcpProxy;
let worker: RoleProcess;
beforeAll(async () => {
  world = await World.start({ panel: { validateResponses: 'sample', generation: 2 }, env: WORK_ENVIRONMENT });
  standby = await startStandby(world.postgres);
  address = await TcpProxy.start(world.postgres.port);
  const databaseUrl = new URL(world.databaseUrl);
  databaseUrl.port = String(address.port);
  worker = await world.start('all', { DATABASE_URL: databaseUrl.href });
}, seconds(120));
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await address?.[Symbol.asyncDispose]();
  await standby?.[Symbol.asyncDispose]();
});

/** Answers one statement of a superuser. */
async function ask(server: LocalPostgres, text: string): Promise<Record<string, unknown>> {
  const client = new Client(server.url);
  await client.connect();
  try {
    await client.query('set default_transaction_read_only to off');
    return (await client.query(text)).rows[0] ?? {};
  } finally {
    await client.end();
  }
}

test(
  'a standby becomes the primary, and the old one stays up and read-only: nothing is lost, nothing done twice',
  async () => {
    const work = new Work(world, worker);
    await work.begin();

    await ask(world.postgres, 'alter system set default_transaction_read_only to on');
    await ask(world.postgres, 'select pg_reload_conf()');
    await until('health says that nothing can be written', async () => (await ready()).status === 503);
    const { lsn } = await ask(world.postgres, 'select pg_current_wal_lsn() as lsn');
    await until('the standby has all', async () => {
      const { is_there } = await ask(standby, `select pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn as is_there`);
      return is_there;
    });
    await work.payTheRest();
    await ask(standby, 'select pg_promote()');
    address.aim(standby.port);
    await until('it is ready again', async () => (await ready()).status === 200, seconds(30));

    const present = new Pool({
      connectionString: world.databaseUrl.replace(String(world.postgres.port), String(standby.port)),
    });
    try {
      await work.ends((text) => present.query(text));
      const ours = "select count(*)::int as n from pg_stat_activity where application_name = 'task-worker'";
      // The connection of the history only reads, so it is closed when it has been idle for 30 s.
      await until('nothing is left at the old one', async () => (await ask(world.postgres, ours)).n === 0, seconds(40));
    } finally {
      await present.end();
    }
  },
  seconds(240),
);

const ready = (): Promise<Response> => fetch(`${worker.httpUrl}/health/ready`);
