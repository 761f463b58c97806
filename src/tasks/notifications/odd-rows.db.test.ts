import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { notificationRow, queueNotifications } from '../../testing/notification-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const ADMIN = 900_000_001;

let world: TestApp;
beforeAll(async () => {
  world = await testApp({ TELEGRAM_RATE_PER_SECOND: '5000', NOTIFICATION_BATCH_SIZE: '50' });
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.database.pool.query('truncate notification_queue cascade');
  await world.redis.client.flushall();
});

const query = <T extends object>(text: string, values: unknown[] = []) => world.database.pool.query<T>(text, values);

/** What somebody may write into a row that waits, and how the reason begins. */
const ODD: Record<string, { change: string; reason: RegExp }> = {
  'a Telegram id just beyond 2^53': { change: 'telegram_id = 9007199254740993', reason: /telegram_id must be/ },
  'the largest Telegram id': { change: 'telegram_id = 9223372036854775807', reason: /telegram_id must be/ },
  'a negative Telegram id': { change: 'telegram_id = -5', reason: /telegram_id must be/ },
  'Telegram id zero': { change: 'telegram_id = 0', reason: /telegram_id must be/ },
  'negative attempts': { change: 'attempts = -2147483648', reason: /attempts must be at least 0/ },
  'more attempts than there are': { change: 'attempts = 2147483647', reason: /attempts must be at most 4/ },
  'due since ever': { change: "scheduled_at = '-infinity'", reason: /scheduled_at must be a moment/ },
  'never due': { change: "scheduled_at = 'infinity'", reason: /scheduled_at is infinity/ },
  'no text': { change: "message = ''", reason: /message must have text/ },
  'blanks for a text': { change: "message = E' \\n\\t\\u00a0'", reason: /message must have text/ },
  'an enormous text': { change: "message = repeat('x', 10000000)", reason: /message_bytes must be at most/ },
};

test('5,000 rows of which 1 % are odd in ten ways: 4,950 are sent, 50 are failed with a reason, nothing waits, one alert', async () => {
  const ids = await queueNotifications(
    world.database.pool,
    Array.from({ length: 5_000 }, (_, i) => ({ telegramId: 1_000_000 + i })),
  );
  const ways = Object.values(ODD);
  const odd = Array.from({ length: 50 }, (_, i) => ({ id: ids[i * 100]!, ...ways[i % ways.length]! }));
  for (const { change, id } of odd) await query(`update notification_queue set ${change} where id = $1`, [id]);

  const result = await world.run('process_notification_queue', {});
  expect(result).toMatchObject({ failed: 50 });
  // The alert itself may leave in the same run.
  const { rows } = await query<{ status: string; n: number }>(
    "select status, count(*)::int as n from notification_queue where notification_type = 'info' group by status order by status",
  );
  expect(rows).toEqual([
    { status: 'failed', n: 50 },
    { status: 'sent', n: 4_950 },
  ]);
  for (const { id, reason } of odd) {
    const { error_message } = await notificationRow(world.database.pool, id);
    expect(error_message).toMatch(/^unreadable: /);
    expect(error_message).toMatch(reason);
  }
  const alerts = await query<{ message: string }>(
    "select message from notification_queue where notification_type like 'alert:%'",
  );
  expect(alerts.rows).toHaveLength(1);
  for (const { id } of odd) expect(alerts.rows[0]!.message).toContain(id);

  expect(await world.run('process_notification_queue', {})).toMatchObject({ failed: 0 });
  const again = await query("select 1 from notification_queue where notification_type like 'alert:%'");
  expect(again.rows).toHaveLength(1);
}, 60_000);

test.each(Object.entries(ODD))(
  '%s among five others: that row alone ends, the others are sent',
  async (_, { change, reason }) => {
    const ids = await queueNotifications(
      world.database.pool,
      Array.from({ length: 6 }, (_, i) => ({ telegramId: 100 + i })),
    );
    await query(`update notification_queue set ${change} where id = $1`, [ids[2]]);
    expect(await world.run('process_notification_queue', {})).toMatchObject({ failed: 1 });
    for (const [i, id] of ids.entries()) {
      const row = await notificationRow(world.database.pool, id);
      expect(row.status).toBe(i === 2 ? 'failed' : 'sent');
      if (i === 2) expect(row.error_message).toMatch(reason);
    }
  },
);

test.each([
  'notification_type = null',
  "notification_type = ''",
  "notification_type = 'something new'",
  "created_at = 'infinity'",
  "created_at = '-infinity'",
  "sent_at = 'infinity'",
  "error_message = repeat('x', 1000000)",
])('a row with %s is sent: nothing of that is needed for it', async (change) => {
  const [id] = await queueNotifications(world.database.pool, [{ telegramId: 7 }]);
  await query(`update notification_queue set ${change} where id = $1`, [id]);
  expect(await world.run('process_notification_queue', {})).toMatchObject({ sent: 1, failed: 0 });
  expect((await notificationRow(world.database.pool, id!)).status).toBe('sent');
});

test('a batch of nothing but odd rows is no end of the queue', async () => {
  const ids = await queueNotifications(
    world.database.pool,
    Array.from({ length: 130 }, (_, i) => ({ telegramId: 200 + i, dueSecondsAgo: 200 - i })),
  );
  await query('update notification_queue set telegram_id = 0 where id = any($1)', [ids.slice(0, 120)]);
  expect(await world.run('process_notification_queue', {})).toMatchObject({ failed: 120, sent: 10 });
});

test('the alert names each row, what is wrong and what to do, and the metric counts them', async () => {
  const ids = await queueNotifications(world.database.pool, [{ telegramId: 1 }, { telegramId: 2 }]);
  await query('update notification_queue set telegram_id = 10::numeric ^ 18 where id = $1', [ids[0]]);
  await world.run('process_notification_queue', {});
  await world.run('process_notification_queue', {});
  const alert = world.telegram.messages({ chatId: ADMIN }).at(-1);
  expect(alert!.visible).toContain('Messages that cannot be sent by what stands in their rows: 1');
  expect(alert!.visible).toContain(`id ${ids[0]}, telegram_id 1000000000000000000, notification_type info: unreadable`);
  expect(await world.app.metrics.registry.metrics()).toMatch(
    /cybervpn_unreadable_items_total\{source="notifications"\} \d+/,
  );
});

test('Redis goes before what was claimed is sent: the rows are handed back at once where PostgreSQL answers', async () => {
  const ids = await queueNotifications(
    world.database.pool,
    Array.from({ length: 50 }, (_, i) => ({ telegramId: 300 + i, type: 'security_code' })),
  );
  world.redis.client.on('error', () => undefined);
  await world.redis.server.stop();
  try {
    // A claim moves a row past its lease; the version of the row says that it was claimed and given back.
    const before = await query<{ v: string }>('select xmin::text as v from notification_queue where id = $1', [ids[0]]);
    await world.run('process_notification_queue', {}).catch(() => undefined);
    const after = await query<{ v: string }>('select xmin::text as v from notification_queue where id = $1', [ids[0]]);
    expect(after.rows[0]!.v).not.toBe(before.rows[0]!.v);
    const { rows } = await query<{ n: number }>(
      "select count(*)::int as n from notification_queue where status = 'pending' and scheduled_at <= now() and attempts = 0",
    );
    expect(rows[0]!.n).toBe(ids.length);
  } finally {
    await world.redis.server.restart();
  }
  await until('Redis answers again', async () => (await world.app.redis.ping()) === 'PONG');
  expect(await world.run('process_notification_queue', {})).toMatchObject({ sent: ids.length });
}, 60_000);
