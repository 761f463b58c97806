import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutes } from '../lib/duration.ts';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import { growthDelivery, growthDeliveryRow, growthEvents } from '../testing/growth-delivery.ts';
import { notificationRow, queueNotifications } from '../testing/notification-rows.ts';
import { createGrowthTables, dropGrowthTables } from '../testing/platform-tables.ts';
import { type Database, openDatabase } from './database.ts';
import { GrowthDeliveries } from './growth-deliveries.ts';
import { Notifications } from './notifications.ts';

describe('growth deliveries where their tables are missing, come later or do not fit', () => {
  let platform: TestDatabase;
  let db: Database;
  let statements = 0;
  beforeAll(async () => {
    platform = await testDatabase();
    const open = openDatabase({ url: platform.url, poolSize: 2, onIdleError: () => undefined });
    db = open.withPlugin({
      transformQuery({ node }) {
        statements += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
  });
  afterAll(async () => {
    await db.destroy();
    await platform[Symbol.asyncDispose]();
  });

  /** Marks a new row as sent and returns its id. */
  async function send(notifications: Notifications, withDelivery: boolean) {
    const [id] = await queueNotifications(platform.pool, [{ telegramId: 1, type: 'growth:invite_reward' }]);
    const delivery = withDelivery ? await growthDelivery(platform.pool, id!) : undefined;
    const now = new Date();
    await notifications.markSent([{ id: id!, dueAt: now, startedAt: now, sentAt: now }]);
    expect(await notificationRow(platform.pool, id!)).toMatchObject({ status: 'sent' });
    return delivery;
  }

  test('missing tables cost one look a minute and no statement per batch; once they come, they are followed', async () => {
    await dropGrowthTables(platform.url);
    const troubles: unknown[] = [];
    const patient = new Notifications(
      db,
      new GrowthDeliveries({ db, onTrouble: (error) => troubles.push(error), lookAgainMs: minutes(1) }),
    );
    const eager = new Notifications(
      db,
      new GrowthDeliveries({ db, onTrouble: (error) => troubles.push(error), lookAgainMs: 0 }),
    );
    statements = 0;
    for (let batch = 0; batch < 5; batch += 1) await send(patient, false);
    expect(statements).toBe(6);
    await send(eager, false);

    await createGrowthTables(platform.url);
    const delivery = await send(eager, true);
    expect(await growthDeliveryRow(platform.pool, delivery!)).toMatchObject({ delivery_status: 'delivered' });
    expect(await growthEvents(platform.pool, delivery!)).toHaveLength(2);
    statements = 0;
    await send(eager, true);
    expect(statements).toBe(1);
    expect(troubles).toEqual([]);
  });

  test('only the table of deliveries, as half-way through the migrations: its rows are kept', async () => {
    await platform.pool.query('drop table customer_growth_notification_delivery_events');
    const growth = new GrowthDeliveries({ db, onTrouble: () => undefined });
    const delivery = await send(new Notifications(db, growth), true);
    expect(await growthDeliveryRow(platform.pool, delivery!)).toMatchObject({ delivery_status: 'delivered' });
    await dropGrowthTables(platform.url);
    await createGrowthTables(platform.url);
  });

  test.each([
    ['dropped while we run', 'drop table customer_growth_notification_delivery_events'],
    [
      'without a column that we write',
      'alter table customer_growth_notification_delivery_events drop column reason_code',
    ],
  ])('%s: said once, notifications are settled without them', async (_, change) => {
    const troubles: unknown[] = [];
    const growth = new GrowthDeliveries({ db, onTrouble: (error) => troubles.push(error) });
    const notifications = new Notifications(db, growth);
    await send(notifications, true);
    await platform.pool.query(change);
    for (let batch = 0; batch < 3; batch += 1) await send(notifications, true);
    expect(troubles).toEqual([expect.objectContaining({ code: expect.stringMatching(/^42/) })]);
    await dropGrowthTables(platform.url);
    await createGrowthTables(platform.url);
  });

  test('a row that was settled meanwhile takes nothing along', async () => {
    const growth = new GrowthDeliveries({ db, onTrouble: () => undefined });
    const notifications = new Notifications(db, growth);
    const [id] = await queueNotifications(platform.pool, [{ telegramId: 1, status: 'sent' }]);
    const delivery = await growthDelivery(platform.pool, id!);
    await notifications.markFailed([{ id: id!, error: 'late', dueAt: new Date() }]);
    expect(await growthDeliveryRow(platform.pool, delivery)).toMatchObject({ delivery_status: 'queued' });
  });

  test('among 20,000 deliveries those of a batch are found by their index', async () => {
    await platform.pool.query('truncate notification_queue, mobile_users cascade');
    await platform.pool.query(
      `with person as (
         insert into mobile_users (id, email, password_hash, is_active, status)
         values (gen_random_uuid(), 'many@example.com', 'x', true, 'active') returning id)
       insert into customer_growth_notification_deliveries
              (id, mobile_user_id, notification_key, notification_kind, delivery_channel, delivery_status, title, message)
       select gen_random_uuid(), person.id, n::text, 'kind', 'telegram', 'queued', 't', 'm'
         from person, generate_series(1, 20000) as n`,
    );
    await platform.pool.query('analyze customer_growth_notification_deliveries');
    const { rows } = await sql<{ 'QUERY PLAN': string }>`
      explain with changed as materialized (
        update notification_queue as queue set status = 'sent'
          from unnest(${[crypto.randomUUID()]}::uuid[]) as done(id)
         where queue.id = done.id returning queue.id as queue_id)
      update customer_growth_notification_deliveries as delivery set delivery_status = 'delivered'
        from changed
       where delivery.notification_queue_id = any(array(select queue_id from changed))
         and delivery.notification_queue_id = changed.queue_id`.execute(db);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('ix_customer_growth_notification_deliveries_queue_id');
    expect(plan).not.toContain('Seq Scan on customer_growth');
  });
});
