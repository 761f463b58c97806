import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../lib/duration.ts';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import { queueNotifications } from '../testing/notification-rows.ts';
import { type Database, openDatabase } from './database.ts';
import { Notifications } from './notifications.ts';
import { typeIsUrgent, urgencyOf, urgencyOrder } from './urgency.ts';

/** Every type that this service or the platform queues, with its urgency. */
const KNOWN = {
  urgent: [
    ...['alert:node_offline', 'alert_reply:bulk_completed', 'payment', 'payment_received', 'payment_failed'],
    ...['payment_renewal', 'payment_confirmation', 'security', 'security:new_login'],
  ],
  ordinary: [
    ...['reminder:6h', 'reminder:24h', 'reminder:3d', 'reminder:7d', 'subscription_expired', 'report:daily'],
    ...['report:weekly', 'direct', 'info', 'news', 'other', 'growth:invite_reward', null],
  ],
  patient: ['broadcast', 'broadcast:traffic_reset', 'bulk_broadcast'],
};

/** Nearly a known type, which `like` and code could judge differently. */
const similar = fc
  .array(
    fc.oneof(
      fc.constantFrom('alert', 'payment', 'security', 'broadcast', '_broadcast', 'Alert', 'BROADCAST'),
      fc.constantFrom('_', '%', '\\', ':', ' ', '\n', 'x', 'ı', 'İ', 'ß'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** Any text that PostgreSQL can hold. */
const unknown = fc.string({ unit: 'binary', maxLength: 50 }).map((text) => text.replaceAll('\0', ''));

const types = fc.array(fc.oneof(fc.constantFrom(...Object.values(KNOWN).flat()), similar, unknown), { minLength: 1 });

describe('how urgent a message is, by its type', () => {
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
  beforeEach(() => platform.pool.query('truncate notification_queue cascade'));

  test.each([
    ['urgent', 0, 'urgent'],
    ['ordinary', 1, 'normal'],
    ['patient', 2, 'normal'],
  ] as const)('known types that are %s', (what, order, lane) => {
    for (const type of KNOWN[what]) expect([type, urgencyOf(type)]).toEqual([type, { order, lane }]);
  });

  test('PostgreSQL and code say the same of every type, known or not', async () => {
    const agree = fc.asyncProperty(types, async (asked) => {
      const { rows } = await sql<{ order: number; urgent: boolean }>`
        select ${urgencyOrder} as order, coalesce(${typeIsUrgent}, false) as urgent
          from unnest(${asked}::varchar[]) with ordinality as type(notification_type, n) order by n`.execute(db);
      const inCode = asked.map(urgencyOf).map(({ lane, order }) => ({ order, urgent: lane === 'urgent' }));
      expect(rows).toEqual(inCode);
    });
    await fc.assert(agree, { numRuns: 500 });
  });

  test('claims take rows in that order, those of the urgent lane exactly the urgent ones', async () => {
    const short = types.map((all) => all.map((type) => (type === null ? null : [...type].slice(0, 50).join(''))));
    const agree = fc.asyncProperty(short, async (asked) => {
      await platform.pool.query('truncate notification_queue cascade');
      await queueNotifications(
        platform.pool,
        asked.map((type, i) => ({ telegramId: i + 1, type })),
      );
      const urgent = await claimAll('urgent');
      const others = await claimAll('any');
      expect(urgent.every((order) => order === 0)).toBe(true);
      expect([...urgent, ...others]).toEqual(asked.map((type) => urgencyOf(type).order).toSorted());
    });
    await fc.assert(agree, { numRuns: 30 });
  });

  /** The orders of all due rows, as claims of three rows take them. */
  async function claimAll(lane: 'urgent' | 'any'): Promise<number[]> {
    const notifications = new Notifications(db);
    const orders: number[] = [];
    for (;;) {
      const { items: rows } = await notifications.claim({ lane, limit: 3, leaseMs: minutes(5), maxAttempts: 5 });
      if (rows.length === 0) return orders;
      orders.push(...rows.map(({ type }) => urgencyOf(type).order));
    }
  }
});
