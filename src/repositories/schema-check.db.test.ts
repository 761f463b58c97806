import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import { createServerGeolocations } from '../testing/platform-tables.ts';
import { type Database, openDatabase } from './database.ts';
import { checkSchema } from './schema-check.ts';

describe('schema check', () => {
  let platform: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    platform = await testDatabase();
    db = openDatabase({ url: platform.url, poolSize: 2, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await db.destroy();
    await platform[Symbol.asyncDispose]();
  });

  /** Runs the check after a change, then rolls the change back. */
  async function driftsAfter(change: string): Promise<string[]> {
    return db
      .transaction()
      .execute(async (transaction) => {
        for (const statement of change.split(';'))
          await transaction.executeQuery({ sql: statement, parameters: [], query: {} as never, queryId: {} as never });
        throw Object.assign(new Error('undo'), { drifts: await checkSchema(transaction as unknown as Database) });
      })
      .catch((error: { drifts?: { severity: string; problem: string }[] }) => {
        if (!error.drifts) throw error;
        return error.drifts
          .map(({ problem, severity }) => `${severity}: ${problem}`)
          .filter((line) => !line.includes('server_geolocations'));
      });
  }

  test('the platform as it stands fits; the one table without a migration is a warning', async () => {
    expect(await checkSchema(db)).toEqual([
      {
        severity: 'warning',
        table: 'server_geolocations',
        problem: 'The table server_geolocations is missing; what needs it is skipped',
      },
    ]);
  });

  test.each([
    ['drop table webhook_logs', /^error: The table webhook_logs is missing/],
    ['alter table payments drop column final_amount', /^error: payments.final_amount is missing; it must be numeric/],
    [
      'alter table payments alter column amount type float8 using amount::float8',
      /^error: payments.amount is double precision, but queries expect numeric/,
    ],
    [
      'alter table notification_queue alter column telegram_id drop not null',
      /^warning: notification_queue.telegram_id may be null/,
    ],
    [
      'alter table notification_queue alter column created_at drop default',
      /^error: notification_queue.created_at has neither null nor a default any more/,
    ],
    [
      'update audit_logs set admin_id = gen_random_uuid(); alter table audit_logs alter column admin_id set default gen_random_uuid(), alter column admin_id set not null',
      /^error: audit_logs.admin_id is not null any more, so inserts that say null there fail/,
    ],
    [
      'alter table notification_queue add column tenant text not null',
      /^error: notification_queue.tenant is new, not null and without a default/,
    ],
    [
      'drop index ix_notification_queue_status_scheduled',
      /^warning: notification_queue has no index that begins with \(status, scheduled_at\)/,
    ],
  ])('notices: %s', async (change, drift) => {
    expect(await driftsAfter(change)).toEqual([expect.stringMatching(drift)]);
  });

  test.each([
    'alter table notification_queue add column extra text',
    "alter table notification_queue add column extra text not null default ''",
    'alter table mobile_users add column extra text not null default 1',
    'alter table payments alter column metadata type jsonb using metadata::jsonb',
    'alter table webhook_logs alter column signature type varchar(255)',
  ])('lets pass what no query minds: %s', async (change) => {
    expect(await driftsAfter(change)).toEqual([]);
  });

  test('an empty database is told table by table', async () => {
    await using empty = await testDatabase({ tables: 'none' });
    const bare = openDatabase({ url: empty.url, poolSize: 1, onIdleError: () => undefined });
    const drifts = await checkSchema(bare);
    await bare.destroy();
    expect(drifts.filter(({ severity }) => severity === 'error').map(({ table }) => table)).toContain(
      'notification_queue',
    );
  });

  test('with every table there is nothing to say', async () => {
    await createServerGeolocations(platform.url);
    expect(await checkSchema(db)).toEqual([]);
  });
});
