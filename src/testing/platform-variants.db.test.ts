/** Variants of the platform's tables in real installations: some lack tables, some have unknown columns. Each statement runs in each. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days, minutes } from '../lib/duration.ts';
import { tables } from '../repositories/tables.ts';
import { addAuditLogs, addTokens, addWebhookLogs, daysOf, earlier, idsOf } from './aged-rows.ts';
import { growthDelivery, growthDeliveryRow, growthEvents } from './growth-delivery.ts';
import { notificationRow, queueNotifications } from './notification-rows.ts';
import { type PaymentWorld, paymentWorld } from './payment-world.ts';
import { createServerGeolocations, dropGrowthTables } from './platform-tables.ts';
import { parseCsv } from './rfc4180.ts';
import { commandHere } from './world/command-here.ts';

const DELIVERIES = 'customer_growth_notification_deliveries';
const EVENTS = 'customer_growth_notification_delivery_events';
const PLAN = '00000000-0000-4000-8000-00000000a001';

type Variant = {
  name: string;
  change(world: PaymentWorld): Promise<unknown>;
  missing: readonly string[];
};

const urlOf = ({ app }: PaymentWorld): string => app.database.url;

/** Columns that may be null and have no index, by table: added again they come last, so an insert without column names would fail. */
const MOVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  notification_queue: { notification_type: 'varchar(50)', sent_at: 'timestamptz', error_message: 'text' },
  payments: { plan_id: 'uuid', final_amount: 'numeric(20, 8)', metadata: 'json' },
  audit_logs: { entity_id: 'varchar(255)', old_value: 'jsonb', new_value: 'jsonb', user_agent: 'text' },
  webhook_logs: { event_type: 'varchar(100)', is_valid: 'boolean', processed_at: 'timestamptz', error_message: 'text' },
  refresh_tokens: { revoked_at: 'timestamptz' },
  server_geolocations: { city: 'varchar(100)' },
  [DELIVERIES]: { status_reason: 'varchar(120)', delivered_at: 'timestamptz' },
  [EVENTS]: { reason_code: 'varchar(120)' },
};

async function addWhatNobodyKnows(world: PaymentWorld): Promise<void> {
  await createServerGeolocations(urlOf(world));
  const statements = Object.keys(tables).flatMap((table) => [
    `alter table ${table}
       add column tenant_id uuid,
       add column revision integer not null default 1,
       add column labels jsonb not null default '{}',
       add column changed_at timestamptz not null default now(),
       add column row_number bigint generated always as identity`,
    ...Object.entries(MOVED[table] ?? {}).map(
      ([column, type]) => `alter table ${table} drop column ${column}, add column ${column} ${type}`,
    ),
    `create index on ${table} (tenant_id, revision)`,
  ]);
  await world.app.database.pool.query(
    [
      ...statements,
      'create table notification_templates (id uuid primary key, status varchar(20) not null)',
      `create table notification_receipts (id uuid primary key,
         notification_id uuid references notification_queue (id) on delete cascade)`,
    ].join(';'),
  );
}

const VARIANTS: readonly Variant[] = [
  { name: 'no server_geolocations', change: async () => undefined, missing: ['server_geolocations'] },
  {
    name: 'no growth tables',
    async change(world) {
      await createServerGeolocations(urlOf(world));
      await dropGrowthTables(urlOf(world));
    },
    missing: [DELIVERIES, EVENTS],
  },
  {
    name: 'growth deliveries without their events, and no server_geolocations',
    change: ({ app }) => app.database.pool.query(`drop table ${EVENTS}`),
    missing: ['server_geolocations', EVENTS],
  },
  {
    name: 'none of the three',
    change: (world) => dropGrowthTables(urlOf(world)),
    missing: ['server_geolocations', DELIVERIES, EVENTS],
  },
  {
    name: 'every table, with further columns of every kind, in another order, and further tables',
    change: addWhatNobodyKnows,
    missing: [],
  },
];

describe.each(VARIANTS)('a platform with $name', ({ change, missing }) => {
  let world: PaymentWorld;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'variants-'));
    world = await paymentWorld(2, 'worker', { EXPORT_DIR: folder, AUDIT_ARCHIVE: 'true' });
    await change(world);
    await world.app.database.pool.query(
      `insert into subscription_plans (id, name, display_name, duration_days, price_usd) values ($1, 'plus', 'Plus', 90, 5.99)`,
      [PLAN],
    );
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const isMissing = (table: string): boolean => missing.includes(table);

  test('the schema check names what is missing and nothing else, and lets it pass', async () => {
    const { code, stdout } = await commandHere(['schema', 'check', '--json'], world.app.env);
    expect(code).toBe(0);
    const skipped = (table: string) => ({
      severity: 'warning',
      table,
      problem: `The table ${table} is missing; what needs it is skipped`,
    });
    expect(JSON.parse(stdout)).toEqual(missing.map(skipped));
  });

  test('a growth message is sent, and what there is of its delivery goes along', async () => {
    const { pool } = world.app.database;
    const [sent = '', refused = ''] = await queueNotifications(pool, [
      { telegramId: 41, type: 'growth:invite_reward' },
      { telegramId: 42, type: 'growth:invite_reward' },
    ]);
    world.app.telegram.setChat(42, { state: 'blocked' });
    const deliveries = isMissing(DELIVERIES)
      ? []
      : [await growthDelivery(pool, sent), await growthDelivery(pool, refused)];

    expect(await world.app.run('process_notification_queue')).toMatchObject({ sent: 1, failed: 1, retried: 0 });
    expect(await notificationRow(pool, sent)).toMatchObject({ status: 'sent', error_message: null });
    expect(await notificationRow(pool, refused)).toMatchObject({ status: 'failed' });
    expect(world.app.telegram.messages({ chatId: 41 })).toHaveLength(1);
    for (const [i, status] of deliveries.length > 0 ? ['delivered', 'failed'].entries() : []) {
      expect(await growthDeliveryRow(pool, deliveries[i]!)).toMatchObject({ delivery_status: status });
      if (!isMissing(EVENTS)) expect(await growthEvents(pool, deliveries[i]!)).toHaveLength(2);
    }
  });

  test('nodes are put on the map where there is one', async () => {
    world.panel.addNode({ name: 'Berlin', countryCode: 'DE' });
    const counts = isMissing('server_geolocations') ? { added: 0, skipped: 1 } : { added: 1, skipped: 0 };
    expect(await world.app.run('sync_server_geolocations')).toMatchObject(counts);
    if (!isMissing('server_geolocations'))
      expect(await world.app.run('sync_server_geolocations')).toMatchObject({ added: 0, unchanged: 1 });
  });

  test('a paid invoice: found, extended, completed, audited, told, its webhook dealt with', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await world.payment({ customerId: customer.id, planId: PLAN, invoice: { status: 'paid' } });
    const webhook = randomUUID();
    await world.app.app.services.webhookLogs.insertCryptobot({
      ...{ id: webhook, eventType: 'invoice_paid', isValid: true, signature: 'x', invoiceId: payment.invoiceId },
    });

    expect(await world.app.run('verify_pending_payments')).toMatchObject({ checked: 1, paid: 1 });
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect(await world.row(payment.id)).toMatchObject({
      status: 'completed',
      metadata: { worker: { activation: 'done' } },
    });
    expect(await world.audits(payment.id)).toMatchObject([{ action: 'payment.completed' }]);
    expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_received' }]);
    const { rows } = await world.app.database.pool.query('select * from webhook_logs where id = $1', [webhook]);
    expect(rows).toMatchObject([{ processed_at: expect.any(Date), error_message: null }]);
    expect(await world.app.run('retry_failed_webhooks')).toMatchObject({ checked: 0, failed: 0 });
  });

  test('a renewal adds a payment', async () => {
    const customer = await world.customer({ endsInMs: minutes(50) });
    const seed = { hoursAgo: 700, status: 'completed', planId: PLAN, metadata: { auto_renew: true } };
    await world.payment({ customerId: customer.id, ...seed });
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 1 });
    const { rows } = await world.app.database.pool.query(
      `select * from payments where user_uuid = $1 and status = 'pending'`,
      [customer.id],
    );
    expect(rows).toMatchObject([{ amount: '5.99000000', subscription_days: 90, plan_id: PLAN }]);
  });

  test('an export has the same columns everywhere', async () => {
    const jobId = 'payments-of-all';
    await world.app.run('generate_data_export', { export_type: 'payments' }, { jobId });
    const [header] = parseCsv((await readFile(join(folder, `${jobId}.csv`))).toString());
    expect(header).toContain('subscription_days');
    expect(header).not.toContain('revision');
    await world.app.run('generate_data_export', { export_type: 'audit' }, { jobId: 'audit' });
    const [audit] = parseCsv((await readFile(join(folder, 'audit.csv'))).toString());
    expect(audit).toContain('new_value');
    expect(audit).not.toContain('revision');
  });

  test('what is old goes, with what hangs on it, and the archive of audit logs holds the whole row', async () => {
    const { pool } = world.app.database;
    for (const table of ['audit_logs', 'refresh_tokens', 'webhook_logs', 'notification_queue'])
      await pool.query(`truncate ${table} cascade`);
    const now = new Date();
    const old = earlier(now, daysOf(100));
    const [gone] = await addAuditLogs(pool, [old]);
    await addTokens(pool, [{ expires: old }]);
    await addWebhookLogs(pool, [old]);
    const [id = ''] = await queueNotifications(pool, [{ telegramId: 43, status: 'sent', dueSecondsAgo: 800_000 }]);
    await pool.query(`update notification_queue set sent_at = $1, created_at = $1`, [old]);
    const delivery = isMissing(DELIVERIES) ? undefined : await growthDelivery(pool, id);

    for (const task of ['cleanup_notification_queue', 'cleanup_expired_tokens', 'cleanup_old_webhook_logs'])
      expect(await world.app.run(task), task).toMatchObject({ deleted: 1 });
    expect(await world.app.run('archive_old_audit_logs')).toEqual({ deleted: 1, archives: 1 });
    for (const table of ['audit_logs', 'refresh_tokens', 'webhook_logs', 'notification_queue'] as const)
      expect(await idsOf(pool, table)).toEqual([]);
    if (delivery) expect(await growthDeliveryRow(pool, delivery)).toMatchObject({ notification_queue_id: null });
    const [archive = ''] = await readdir(join(folder, 'audit-logs'));
    const [line, ...others] = gunzipSync(await readFile(join(folder, 'audit-logs', archive)))
      .toString()
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(others).toEqual([]);
    expect(line).toMatchObject({ id: gone, action: 'user.updated' });
    const { fields } = await pool.query('select * from audit_logs');
    expect(Object.keys(line)).toEqual(fields.map(({ name }) => name));
  });
});
