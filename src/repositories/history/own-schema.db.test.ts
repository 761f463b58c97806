import { randomUUID } from 'node:crypto';
import { Migrator } from 'kysely/migration';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../testing/database.ts';
import { type Database, openDatabase } from '../database.ts';
import { Incidents } from './incidents.ts';
import { KeptPauses } from './kept-pauses.ts';
import { MaintenanceRows } from './maintenance-rows.ts';
import { installOwnSchema, OWN_MIGRATIONS, ownGrantsFor, ownSchemaState } from './own-schema.ts';
import { ReceiptRows } from './receipt-rows.ts';
import { RunRows } from './run-rows.ts';
import { UndoRows } from './undo-rows.ts';

const STEPS = Object.keys(OWN_MIGRATIONS);
const NOW = new Date('2026-03-01T12:00:00.000Z');

describe('our own schema', () => {
  let platform: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    platform = await testDatabase();
    db = openDatabase({ url: platform.url, poolSize: 4, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await db.destroy();
    await platform[Symbol.asyncDispose]();
  });
  afterEach(() => platform.pool.query('drop schema if exists task_worker cascade'));

  /** Every table outside our schema, with its columns. */
  async function platformTables(): Promise<unknown> {
    const { rows } = await platform.pool.query(
      `select table_schema, table_name, column_name, data_type from information_schema.columns
        where table_schema not in ('pg_catalog', 'information_schema', 'task_worker') order by 1, 2, 3`,
    );
    return rows;
  }

  test('is absent until it is installed, and installing touches nothing of the platform', async () => {
    const before = await platformTables();
    expect(await ownSchemaState(db)).toEqual({ kind: 'absent' });
    expect(await installOwnSchema(db)).toEqual(STEPS);
    expect(await ownSchemaState(db)).toEqual({ kind: 'current' });
    expect(await platformTables()).toEqual(before);
  });

  test('installed twice, the second time does nothing', async () => {
    await installOwnSchema(db);
    await new RunRows(db).keepDays(NOW, 30);
    const { rows: before } = await platform.pool.query(`select count(*) from pg_class`);
    expect(await installOwnSchema(db)).toEqual([]);
    expect((await platform.pool.query(`select count(*) from pg_class`)).rows).toEqual(before);
  });

  test('installed by three at the same moment, each step is done by one of them', async () => {
    const others = [1, 2].map(() => openDatabase({ url: platform.url, poolSize: 2, onIdleError: () => undefined }));
    const done = await Promise.all([db, ...others].map((one) => installOwnSchema(one)));
    await Promise.all(others.map((one) => one.destroy()));
    expect(done.flat().sort()).toEqual(STEPS);
    expect(await ownSchemaState(db)).toEqual({ kind: 'current' });
  });

  test('of an older version is brought up to date by the missing steps alone, and what it has stays', async () => {
    const [first = '', ...later] = STEPS;
    const older = new Migrator({
      db,
      provider: { getMigrations: async () => ({ [first]: OWN_MIGRATIONS[first]! }) },
      ...{
        migrationTableSchema: 'task_worker',
        migrationTableName: 'migrations',
        migrationLockTableName: 'migration_lock',
      },
    });
    expect((await older.migrateToLatest()).error).toBeUndefined();
    await platform.pool.query(`insert into task_worker.run_hours values ('t', now(), 1, 0, 0, 0, 1, 1)`);
    expect(await ownSchemaState(db)).toEqual({ kind: 'older', missing: later });
    expect(await installOwnSchema(db)).toEqual(later);
    expect(await ownSchemaState(db)).toEqual({ kind: 'current' });
    expect((await platform.pool.query('select * from task_worker.run_hours')).rowCount).toBe(1);
  });

  test('of a newer version is used and left as it is', async () => {
    await installOwnSchema(db);
    await platform.pool.query(`insert into task_worker.migrations (name, timestamp) values ('999_later', now())`);
    expect(await ownSchemaState(db)).toEqual({ kind: 'newer' });
    expect(await installOwnSchema(db)).toEqual([]);
  });

  test('whose partitions are made by two at the same moment is whole, and old days go', async () => {
    await installOwnSchema(db);
    const rows = new RunRows(db);
    await Promise.all([rows.keepDays(NOW, 30), rows.keepDays(NOW, 30)]);
    expect(await parts()).toEqual(['runs_20260228', 'runs_20260301', 'runs_20260302', 'runs_20260303']);
    expect(await rows.keepDays(new Date('2026-03-05T00:00:00.000Z'), 3)).toBe(2);
    expect(await parts()).toEqual([
      ...['runs_20260302', 'runs_20260303', 'runs_20260304', 'runs_20260305', 'runs_20260306', 'runs_20260307'],
    ]);
  });

  test('is safe from a clock that runs years ahead', async () => {
    await installOwnSchema(db);
    const rows = new RunRows(db);
    await rows.keepDays(new Date(), 30);
    const before = await parts();
    expect(await rows.keepDays(new Date('2096-01-01T00:00:00.000Z'), 30)).toBe(0);
    expect(await parts()).toEqual(expect.arrayContaining(before));
  });

  async function parts(): Promise<string[]> {
    const { rows } = await platform.pool.query(
      `select relname from pg_inherits join pg_class on oid = inhrelid where inhparent = 'task_worker.runs'::regclass order by 1`,
    );
    return rows.map(({ relname }) => relname);
  }

  describe('for a role that does not own it', () => {
    const role = `worker_${randomUUID().slice(0, 8)}`;
    let asRole: Database;
    beforeAll(async () => {
      await platform.pool.query(`create role ${role} login`);
      const url = new URL(platform.url);
      url.username = role;
      asRole = openDatabase({ url: url.href, poolSize: 2, onIdleError: () => undefined });
    });
    afterAll(async () => {
      await asRole.destroy();
      await platform.pool.query(`drop owned by ${role}; drop role ${role}`);
    });

    test('says which rights are missing, and with them every statement works and none more is allowed', async () => {
      expect(await ownSchemaState(asRole)).toEqual({ kind: 'absent' });
      await installOwnSchema(db);
      expect(await ownSchemaState(asRole)).toEqual({ kind: 'no_rights', grants: ownGrantsFor(role) });
      const [usage, ...others] = ownGrantsFor(role);
      await platform.pool.query(usage!);
      expect(await ownSchemaState(asRole)).toEqual({ kind: 'no_rights', grants: others });
      await platform.pool.query(others.join('\n'));
      expect(await ownSchemaState(asRole)).toEqual({ kind: 'current' });
      const rows = new RunRows(asRole);
      await rows.keepDays(NOW, 30);
      expect(await rows.keepDays(new Date('2026-06-01T00:00:00.000Z'), 1)).toBe(4);
      await new Incidents(asRole).forget(NOW);
      const pauses = new KeptPauses(asRole);
      await pauses.add({ task: 'sync_user_stats', by: 'token:olga', at: NOW });
      expect(await pauses.all()).toEqual([{ task: 'sync_user_stats', by: 'token:olga', at: NOW, reason: undefined }]);
      await pauses.remove('sync_user_stats');
      const windows = new MaintenanceRows(asRole);
      const window = { id: randomUUID(), node: 'n', name: 'N', reason: 'x', madeBy: 'token:olga', madeAt: NOW };
      const endsAt = new Date('2026-03-02T00:00:00.000Z');
      expect(await windows.add({ ...window, beginsAt: NOW, endsAt })).toBe(true);
      expect(await windows.end(window.id, 'token:olga', NOW)).toBe(true);
      expect(await windows.list({ node: 'n', limit: 1 })).toMatchObject([{ endsAt: NOW, endedBy: 'token:olga' }]);
      const receipts = new ReceiptRows(asRole);
      const receipt = { id: randomUUID(), jobId: 'x', task: 'x', initiatedBy: 'test', beganAt: NOW };
      const act = { act: randomUUID(), effect: 'disable', subject: 'anna', at: NOW, isDone: true };
      await receipts.add(receipt, [act]);
      await receipts.forget(NOW, 30);
      const undos = new UndoRows(asRole);
      expect([...(await undos.take(receipt.id, [act.act], 'undo'))]).toEqual([act.act]);
      expect(await undos.isInOtherHands(receipt.id, 'another')).toBe(true);
      const client = new Client({ connectionString: withUser(platform.url, role) });
      await client.connect();
      for (const forbidden of [
        'drop table task_worker.runs',
        'delete from task_worker.runs',
        'create table task_worker.x ()',
      ])
        await expect(client.query(forbidden)).rejects.toThrow(/denied|must be owner/);
      await client.end();
    });

    test('cannot be installed, and the error says what to grant', async () => {
      await expect(installOwnSchema(asRole)).rejects.toThrow(
        new RegExp(`schema install: the role ${role} may not do this .*grant create on database \\w+ to ${role};`),
      );
    });
  });
});

function withUser(url: string, user: string): string {
  const other = new URL(url);
  other.username = user;
  return other.href;
}
