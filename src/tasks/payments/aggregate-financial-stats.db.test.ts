import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApp, testApp } from '../../testing/test-app.ts';

let world: TestApp;
beforeAll(async () => {
  world = await testApp();
  const { pool } = world.database;
  await pool.query(
    `insert into subscription_plans (id, name, display_name, duration_days, price_usd) values
       ('00000000-0000-4000-8000-00000000a001', 'basic-30', 'Basic', 30, 2.99), ('00000000-0000-4000-8000-00000000a002', 'plus-30', '', 30, 5.99)`,
  );
  const basic = '00000000-0000-4000-8000-00000000a001';
  const plus = '00000000-0000-4000-8000-00000000a002';
  const day: [string, string, string | null, string, string, string, string | null][] = [
    // created_at, amount, final_amount, currency, status, provider, plan
    ['2026-03-09T23:59:59.999Z', '1000', null, 'USD', 'completed', 'cryptobot', basic],
    ['2026-03-10T00:00:00.000Z', '2.99', null, 'USD', 'completed', 'cryptobot', basic],
    ['2026-03-10T08:00:00.000Z', '5.99', '4.49', 'USD', 'completed', 'cryptobot', plus],
    ['2026-03-10T09:00:00.000Z', '0.1', null, 'USD', 'completed', 'yookassa', basic],
    ['2026-03-10T09:30:00.000Z', '0.2', null, 'USD', 'completed', 'yookassa', null],
    ['2026-03-10T12:00:00.000Z', '0.00012345', null, 'BTC', 'completed', 'cryptobot', plus],
    ['2026-03-10T12:30:00.000Z', '0.00000002', null, 'BTC', 'completed', 'cryptobot', plus],
    ['2026-03-10T13:00:00.000Z', '250', null, 'XTR', 'completed', 'telegram_stars', basic],
    ['2026-03-10T14:00:00.000Z', '99', null, 'USD', 'refunded', 'cryptobot', basic],
    ['2026-03-10T15:00:00.000Z', '7', null, 'USD', 'failed', 'cryptobot', basic],
    ['2026-03-10T16:00:00.000Z', '7', null, 'USD', 'pending', 'cryptobot', basic],
    ['2026-03-10T23:59:59.999Z', '2.99', null, 'USD', 'completed', 'cryptobot', basic],
    ['2026-03-11T00:00:00.000Z', '1000', null, 'USD', 'completed', 'cryptobot', basic],
  ];
  for (const [createdAt, amount, finalAmount, currency, status, provider, planId] of day) {
    await pool.query(
      `insert into payments (id, user_uuid, amount, final_amount, currency, status, provider, subscription_days, plan_id, created_at)
       values ($1, $1, $2, $3, $4, $5, $6, 30, $7, $8)`,
      [randomUUID(), amount, finalAmount, currency, status, provider, planId, createdAt],
    );
  }
});
afterAll(() => world[Symbol.asyncDispose]());

const stored = async (date: string) =>
  JSON.parse((await world.redis.client.get(`cybervpn:stats:payments:${date}`)) ?? 'null');

test('a day with three currencies, refunds and both midnights equals what was added up by hand', async () => {
  const now = new Date('2026-03-11T00:30:00Z');
  expect(await world.run('aggregate_financial_stats', {}, { now })).toMatchObject({
    completed: 8,
    failed: 1,
    pending: 1,
    date: '2026-03-10',
  });
  expect(await stored('2026-03-10')).toEqual({
    date: '2026-03-10',
    by_currency: {
      // 2.99 + 4.49 + 0.1 + 0.2 + 2.99, which is 10.770000000000001 in floats
      USD: { count: 5, total: '10.77', average: '2.15' },
      BTC: { count: 2, total: '0.00012347', average: '0.00006174' },
      XTR: { count: 1, total: '250', average: '250.00' },
    },
    by_provider: {
      cryptobot: {
        count: 5,
        by_currency: {
          USD: { count: 3, total: '10.47', average: '3.49' },
          BTC: { count: 2, total: '0.00012347', average: '0.00006174' },
        },
      },
      telegram_stars: { count: 1, by_currency: { XTR: { count: 1, total: '250', average: '250.00' } } },
      yookassa: { count: 2, by_currency: { USD: { count: 2, total: '0.3', average: '0.15' } } },
    },
    by_purchase: { period: expect.objectContaining({ count: 8 }) },
    by_plan: {
      Basic: {
        count: 4,
        by_currency: {
          USD: { count: 3, total: '6.08', average: '2.03' },
          XTR: { count: 1, total: '250', average: '250.00' },
        },
      },
      'plus-30': {
        count: 3,
        by_currency: {
          USD: { count: 1, total: '4.49', average: '4.49' },
          BTC: { count: 2, total: '0.00012347', average: '0.00006174' },
        },
      },
      none: { count: 1, by_currency: { USD: { count: 1, total: '0.2', average: '0.20' } } },
    },
    total_count: 8,
    failed_count: 1,
    pending_count: 1,
    failure_rate: 0.1111,
  });
  const ttl = await world.redis.client.ttl('cybervpn:stats:payments:2026-03-10');
  expect(ttl).toBeGreaterThan(89 * 86_400);
});

test('a gift, an add-on and an unknown mode are money and no sale of a plan', async () => {
  const modes = ['upgrade', 'gift_purchase', 'addon_only', 'selected_subscription_addons', 'something_new'];
  for (const mode of modes) {
    await world.database.pool.query(
      `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, metadata, created_at)
       values ($1, $1, 5, 'USD', 'completed', 'cryptobot', 30, $2, '2026-02-10T10:00:00Z')`,
      [randomUUID(), JSON.stringify({ checkout_mode: mode })],
    );
  }
  await world.run('aggregate_financial_stats', { date: '2026-02-10' });
  expect(await stored('2026-02-10')).toMatchObject({
    total_count: 5,
    by_currency: { USD: { total: '25' } },
    by_plan: { none: { count: 1 } },
    by_purchase: { upgrade: { count: 1 }, gift: { count: 1 }, addon: { count: 2 }, unknown: { count: 1 } },
  });
});

test('a day without payments says so, without a rate', async () => {
  await world.run('aggregate_financial_stats', { date: '2026-01-01' });
  expect(await stored('2026-01-01')).toMatchObject({ by_currency: {}, total_count: 0, failure_rate: null });
});

test('running a day again gives the same figures', async () => {
  await world.run('aggregate_financial_stats', { date: '2026-03-10' });
  const first = await stored('2026-03-10');
  await world.run('aggregate_financial_stats', { date: '2026-03-10' });
  expect(await stored('2026-03-10')).toEqual(first);
});
