import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPlatformTables } from '../testing/platform-tables.ts';
import { type LocalPostgres, startPostgres } from '../testing/servers/postgres.ts';
import { until } from '../testing/until.ts';
import { type Database, openDatabase } from './database.ts';
import { probeDatabase } from './probe-database.ts';

describe('a primary that becomes read-only, and stays up', () => {
  let postgres: LocalPostgres;
  let url: string;
  let admin: pg.Client;
  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.createDatabase('switchover');
    await createPlatformTables(url);
    admin = new pg.Client(postgres.url);
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.end();
    await postgres?.[Symbol.asyncDispose]();
  });

  /** Sets it for new transactions of every session, as a managed service does during a switchover. */
  const readOnly = async (isOn: boolean): Promise<void> => {
    await admin.query(`alter database switchover set default_transaction_read_only to ${isOn}`);
  };
  const sessions = async (): Promise<number[]> => {
    const { rows } = await admin.query("select pid from pg_stat_activity where datname = 'switchover' order by pid");
    return rows.map(({ pid }) => Number(pid));
  };

  /** Uses four connections, each while the others are in use. */
  async function useFour(database: Database): Promise<void> {
    const all = Promise.withResolvers<void>();
    let used = 0;
    const use = () =>
      database.connection().execute(async (connection) => {
        await sql`select 1`.execute(connection);
        used += 1;
        if (used === 4) all.resolve();
        await all.promise;
      });
    await Promise.all([use(), use(), use(), use()]);
  }

  test('its connections are thrown away at the first refusal, the idle ones too, so that new ones reach the new primary', async () => {
    const database = openDatabase({ url, poolSize: 4, onIdleError: () => undefined });
    await readOnly(true);
    try {
      // Opens four connections that are read-only for as long as they live: the setting of the database counts at the start of a session.
      await useFour(database);
      const before = await sessions();
      expect(before).toHaveLength(4);
      await readOnly(false);
      await expect(probeDatabase(database)).rejects.toMatchObject({ code: '25006' });
      // The refused one is gone; each of the others goes when it is given back, after any use.
      await until('a write succeeds', () =>
        probeDatabase(database).then(
          () => true,
          () => false,
        ),
      );
      await useFour(database);
      await until('no old session is left', async () => (await sessions()).every((pid) => !before.includes(pid)));
      await Promise.all(Array.from({ length: 4 }, () => probeDatabase(database)));
    } finally {
      await database.destroy();
    }
  });

  test('an error of a statement alone throws nothing away', async () => {
    const database = openDatabase({ url, poolSize: 1, onIdleError: () => undefined });
    try {
      await probeDatabase(database);
      const before = await sessions();
      await expect(sql`select 1 / 0`.execute(database)).rejects.toMatchObject({ code: '22012' });
      await probeDatabase(database);
      expect(await sessions()).toEqual(before);
    } finally {
      await database.destroy();
    }
  });
});
