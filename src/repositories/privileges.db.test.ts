import { randomUUID } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutes } from '../lib/duration.ts';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import { createServerGeolocations } from '../testing/platform-tables.ts';
import { AgedRows } from './aged-rows.ts';
import { alertRowId, endRowId } from './alert-row-id.ts';
import { AlertRows } from './alert-rows.ts';
import { AuditLogs } from './audit-logs.ts';
import { type Database, openDatabase } from './database.ts';
import { Geolocations } from './geolocations.ts';
import { GrowthDeliveries } from './growth-deliveries.ts';
import { Notifications } from './notifications.ts';
import { Payments } from './payments.ts';
import { grantsFor, missingPrivileges } from './privileges.ts';
import { tables } from './tables.ts';
import { WebhookLogs } from './webhook-logs.ts';

describe('privileges', () => {
  let platform: TestDatabase;
  let db: Database;
  const role = `worker_${randomUUID().slice(0, 8)}`;
  beforeAll(async () => {
    platform = await testDatabase();
    await createServerGeolocations(platform.url);
    await asOwner(`create role ${role} login`);
    const url = new URL(platform.url);
    url.username = role;
    db = openDatabase({ url: url.href, poolSize: 2, onIdleError: () => undefined });
  });
  afterAll(async () => {
    await db.destroy();
    await asOwner(`drop owned by ${role}; drop role ${role}`);
    await platform[Symbol.asyncDispose]();
  });

  async function asOwner(statements: string): Promise<void> {
    const client = new Client({ connectionString: platform.url });
    await client.connect();
    await client.query(statements);
    await client.end();
  }

  test('of a role that may do nothing are all missing, each with the statement that grants it', async () => {
    const missing = await missingPrivileges(db);
    expect(new Set(missing.map(({ table }) => table))).toEqual(new Set(Object.keys(tables)));
    expect(missing.map(({ grant }) => grant)).toEqual(grantsFor(role));
    expect(grantsFor(role)).toContain(
      `grant update (external_id, status, metadata, updated_at) on payments to ${role};`,
    );
  });

  test('that are granted as printed are enough for every statement that writes', async () => {
    await asOwner(grantsFor(role).join('\n'));
    expect(await missingPrivileges(db)).toEqual([]);
    await writeEverything(db);
  });

  test.each([
    ['revoke update (status) on payments from', 'update', 'payments', ['status']],
    ['revoke select on notification_queue from', 'select', 'notification_queue', []],
    ['revoke delete on webhook_logs from', 'delete', 'webhook_logs', []],
    ['revoke update (id) on audit_logs from', 'update', 'audit_logs', []],
    ['revoke insert (payload) on webhook_logs from', 'insert', 'webhook_logs', ['payload']],
  ])('notices: %s the worker', async (revoke, privilege, table, columns) => {
    await asOwner(`${revoke} ${role}`);
    const missing = await missingPrivileges(db);
    expect(missing).toEqual([{ table, privilege, columns, grant: expect.stringContaining(`on ${table} to ${role};`) }]);
    await asOwner(missing[0]!.grant);
    expect(await missingPrivileges(db)).toEqual([]);
  });

  test('asked for are exactly those that the statements in this folder use', async () => {
    const used = new Set<string>();
    for await (const file of glob('src/repositories/*.ts')) {
      if (file.endsWith('.test.ts')) continue;
      const source = await readFile(file, 'utf8');
      const names = Object.keys(tables).join('|');
      const verbs: [string, RegExp][] = [
        ['insert', new RegExp(`(?:insert into |insertInto\\(')(${names})\\b`, 'g')],
        ['update', new RegExp(`(?:update |updateTable\\(')(${names})\\b`, 'g')],
        ['delete', new RegExp(`(?:delete from |HeapWalk\\(\\s*this\\.#db,\\s*')(${names})\\b`, 'g')],
        // Rows picked to be deleted are locked, which needs the update privilege in PostgreSQL.
        ['update', new RegExp(`(?:delete from |HeapWalk\\(\\s*this\\.#db,\\s*')(${names})\\b`, 'g')],
      ];
      for (const [verb, pattern] of verbs)
        for (const [, table] of source.matchAll(pattern)) used.add(`${verb} ${table}`);
    }
    const granted = grantsFor(role).map((grant) => /^grant (\w+).* on (\w+) to/.exec(grant)!.slice(1).join(' '));
    expect(new Set(granted.filter((line) => !line.startsWith('select')))).toEqual(used);
  });
});

/** Runs each statement that changes a row once. No row has to match, because PostgreSQL checks privileges first. */
async function writeEverything(db: Database): Promise<void> {
  const now = new Date();
  // A refusal there does not stop a notification, so the test must listen for it.
  const troubles: unknown[] = [];
  const growth = new GrowthDeliveries({ db, onTrouble: (error) => void troubles.push(error) });
  const notifications = new Notifications(db, growth);
  const id = randomUUID();
  const attempt = { id, startedAt: now, dueAt: now };
  await notifications.insert([{ id, telegramId: 1, message: 'x', type: 'info' }]);
  const alert = { id: randomUUID(), repeatId: randomUUID(), telegramId: 1, message: 'x', type: 'alert:x' };
  const alerts = new AlertRows(db);
  for (const repeatId of [alert.repeatId, randomUUID()])
    await alerts.event({ ...alert, repeatId }, { mergeMs: minutes(10) }, () => 'x');
  const begin = { ...alert, id: alertRowId({ subject: 'x', telegramId: 1, at: now, phase: 'beginning' }) };
  await alerts.begin([begin]);
  const about = { isAnswered: false, isTold: false, resolved: 'x', past: 'x' };
  const end = { ...begin, ...about, id: endRowId(begin.id)!, beginId: begin.id };
  await alerts.end([end]);
  await alerts.hush([begin.id]);
  await alerts.withdraw([begin]);
  await notifications.claim({ maxAttempts: 5, leaseMs: 1_000, limit: 10, lane: 'any' });
  await notifications.markRetry([{ ...attempt, error: 'x', delayMs: 1 }]);
  await notifications.release([{ id, dueAt: now }]);
  await notifications.markSent([{ ...attempt, sentAt: now }]);
  await notifications.markFailed([{ ...attempt, error: 'x' }]);
  await notifications.adoptOrphans(minutes(15));
  await notifications.decideHeld(now, 'drop', 10);
  await notifications.drop([id], 'x');

  const payments = new Payments(db);
  const payment = randomUUID();
  await payments.insertPending({
    id: payment,
    customerId: randomUUID(),
    price: { amount: '1', currency: 'USD' },
    days: 30,
    planId: undefined,
    metadata: {},
  });
  await payments.setInvoice(payment, '1', 'test');
  await payments.mark(payment, {});
  await payments.complete(payment, {});
  await payments.fail(payment, {});

  const auditLogs = new AuditLogs(db, 'test');
  await auditLogs.write([{ action: 'x', entityType: 'x', entityId: 'x' }]);
  await auditLogs.deleteUnchanged([]);

  const webhooks = new WebhookLogs(db);
  await webhooks.insertCryptobot({ id: randomUUID(), isValid: true, eventType: undefined, signature: undefined });
  await webhooks.insertPanelEvent({ id: randomUUID(), isValid: true, eventType: undefined, signature: undefined });
  await webhooks.markProcessed([randomUUID()]);
  await webhooks.recordFailures([{ id: randomUUID(), reason: 'x' }], 3);

  const geolocations = new Geolocations(db);
  const place = { nodeUuid: randomUUID(), countryCode: 'DE', city: null, latitude: '1', longitude: '1' };
  await geolocations.add([place]);
  await geolocations.move(place, { ...place, latitude: '2' });

  const aged = new AgedRows(db);
  for (const walk of [aged.refreshTokens(now), aged.auditLogs(now), aged.webhookLogs(now), aged.notifications(now)])
    while (!(await walk.deleteNext(100)).done);
  expect(troubles).toEqual([]);
}
