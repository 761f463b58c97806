import { expect, inject, test } from 'vitest';
import { testDatabase } from './database.ts';
import { growthDelivery } from './growth-delivery.ts';
import { queueNotifications } from './notification-rows.ts';
import { createServerGeolocations, seedPlatform } from './platform-tables.ts';

test('each call gives a database of its own, with the platform tables, empty', async () => {
  await using a = await testDatabase();
  await using b = await testDatabase();
  await a.pool.query(
    `insert into notification_queue (id, telegram_id, message, scheduled_at) values (gen_random_uuid(), 1, 'x', now())`,
  );
  const { rows } = await b.pool.query('select count(*)::int as n from notification_queue');
  expect(rows).toEqual([{ n: 0 }]);
});

test('a database without any table stands for a platform that never ran', async () => {
  await using database = await testDatabase({ tables: 'none' });
  const { rows } = await database.pool.query(`select to_regclass('notification_queue') as found`);
  expect(rows).toEqual([{ found: null }]);
});

test('disposed of, the database is gone', async () => {
  const database = await testDatabase();
  await database[Symbol.asyncDispose]();
  expect(database.pool.ended).toBe(true);
  await using other = await testDatabase();
  const { rows } = await other.pool.query('select 1 from pg_database where datname = $1', [
    new URL(database.url).pathname.slice(1),
  ]);
  expect(rows).toEqual([]);
});

test('the table without a migration is there only where asked for, and checks its coordinates', async () => {
  await using database = await testDatabase();
  await createServerGeolocations(database.url);
  const insert = `insert into server_geolocations (id, node_uuid, country_code, latitude, longitude)
                  values (gen_random_uuid(), gen_random_uuid(), 'DE', $1, 9)`;
  await database.pool.query(insert, [50]);
  await expect(database.pool.query(insert, [91])).rejects.toThrow('ck_latitude_bounds');
});

test('the seed has plans, admins, and twenty customers with a Telegram id each and a panel user each', async () => {
  await using database = await testDatabase();
  await seedPlatform(database.url);
  const { rows } = await database.pool.query(
    `select (select count(*)::int from subscription_plans where is_active) as plans,
            (select count(*)::int from admin_users where telegram_id is not null) as admins,
            (select count(*)::int from mobile_users where telegram_id between 100001 and 100020) as customers,
            (select count(*)::int
               from mobile_users u
              where exists (select 1 from service_identities s
                             where s.customer_account_id = u.id and s.identity_scope = 'account')
                 or u.remnawave_uuid is not null) as linked`,
  );
  expect(rows).toEqual([{ plans: 3, admins: 2, customers: 20, linked: 20 }]);
});

test('an old notification can be deleted while its growth delivery stays', async () => {
  await using database = await testDatabase();
  const { pool } = database;
  const [id] = await queueNotifications(pool, [{ telegramId: 1 }]);
  await growthDelivery(pool, id!);
  await pool.query('delete from notification_queue');
  const { rows } = await pool.query('select notification_queue_id from customer_growth_notification_deliveries');
  expect(rows).toEqual([{ notification_queue_id: null }]);
});

test('the provided template cannot be connected to, so that a copy never waits', async () => {
  await using database = await testDatabase();
  const { rows } = await database.pool.query('select datallowconn as open from pg_database where datname = $1', [
    inject('templateDatabase'),
  ]);
  expect(rows).toEqual([{ open: false }]);
});
