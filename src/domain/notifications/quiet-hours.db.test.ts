import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../lib/duration.ts';
import { canWait } from '../../repositories/urgency.ts';
import { type NotificationRow, queueNotifications } from '../../testing/notification-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

/** Moscow is three hours ahead of UTC. */
const AT_THREE = new Date('2026-01-23T00:00:00Z');
const AT_NINE = new Date('2026-01-23T06:00:00Z');

test.each([
  ...(
    [
      'reminder:6h',
      'reminder:7d',
      'subscription_expired',
      'campaign:x:1',
      'broadcast',
      'broadcast:planned',
      'broadcast:traffic_reset',
    ] as const
  ).map((type) => [type, true] as const),
  ...(['news_broadcast', 'bulk_broadcast'] as const).map((type) => [type, true] as const),
  ...(['payment_received', 'payment_failed', 'payment_late', 'payment_renewal', 'traffic_used_up'] as const).map(
    (type) => [type, false] as const,
  ),
  ...(['alert:node_offline', 'security_code', 'info', 'otp', '', null] as const).map((type) => [type, false] as const),
])('of a message %j it is decided whether it waits: %s', (type, waits) => {
  expect(canWait(type)).toBe(waits);
});

describe('in quiet hours', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp({ QUIET_HOURS: '22:00-09:00', TIME_ZONE: 'Europe/Moscow', NOTIFICATION_STALE_HOURS: '1' });
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    world.telegram.reset();
  });

  const run = (now: Date) => world.run('process_notification_queue', {}, { now });
  const queue = (types: readonly string[]) =>
    queueNotifications(
      world.database.pool,
      types.map((type, i) => ({ telegramId: 100 + i, type, message: `about ${type}`, dueSecondsAgo: 60 })),
    );
  const sent = (): string[] => world.telegram.messages().map(({ visible }) => visible);
  const waiting = async (): Promise<(NotificationRow & { in_ms: number })[]> =>
    (
      await world.database.pool.query(
        `select *, extract(epoch from scheduled_at - now())::float8 * 1000 as in_ms
           from notification_queue where status = 'pending' order by notification_type`,
      )
    ).rows;

  test('a reminder due at 03:00 waits until 09:00, a payment message and a code do not', async () => {
    await queue(['reminder:6h', 'payment_received', 'broadcast', 'otp']);
    expect(await run(AT_THREE)).toMatchObject({ sent: 2, deferred: 2 });
    expect(new Set(sent())).toEqual(new Set(['about otp', 'about payment_received']));
    const rows = await waiting();
    expect(rows.map(({ notification_type: type }) => type)).toEqual(['broadcast', 'reminder:6h']);
    for (const { attempts, in_ms: inMs } of rows) {
      expect(attempts).toBe(0);
      expect(Math.abs(inMs - hours(6))).toBeLessThan(minutes(5));
    }
    // Another worker, meanwhile: nothing is due.
    expect(await run(AT_THREE)).toMatchObject({ sent: 0, deferred: 0, held: 0 });
  });

  test('when they are over it is sent, and has not become a backlog that is held, though that begins after an hour', async () => {
    await queue(Array.from({ length: 120 }, () => 'reminder:6h'));
    await run(AT_THREE);
    expect(sent()).toEqual([]);
    for (const { in_ms: inMs } of await waiting()) expect(inMs).toBeGreaterThan(0);
    // As it is six hours later.
    await world.database.pool.query('update notification_queue set scheduled_at = now()');
    expect(await run(AT_NINE)).toMatchObject({ sent: 120, held: 0 });
  });

  test('at 22:00 and until a moment before 09:00 it waits, at 21:59 and at 09:00 it does not', async () => {
    const at: readonly (readonly [string, boolean])[] = [
      ['2026-01-22T18:59:59Z', false],
      ['2026-01-22T19:00:00Z', true],
      ['2026-01-23T05:59:30Z', true],
      ['2026-01-23T06:00:00Z', false],
    ];
    for (const [moment, waits] of at) {
      await world.database.pool.query('truncate notification_queue cascade');
      await queue(['reminder:6h']);
      await run(new Date(moment));
      expect([moment, (await waiting()).length]).toEqual([moment, waits ? 1 : 0]);
    }
  });
});
