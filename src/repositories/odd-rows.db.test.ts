import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, minutes } from '../lib/duration.ts';
import type { OnRead } from '../lib/read-each.ts';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import { AuditTrail } from './audit-trail.ts';
import { CustomerContacts } from './customer-contacts.ts';
import { Customers } from './customers.ts';
import { CustomersWithTelegram } from './customers-with-telegram.ts';
import { type Database, openDatabase } from './database.ts';
import { Decisions } from './decisions.ts';
import { DeskPayments } from './desk-payments.ts';
import { Outbox } from './outbox.ts';
import type { Payment } from './payment-row.ts';
import { Payments } from './payments.ts';
import { PaymentsUnderWay } from './payments-under-way.ts';
import { WebhookLogs } from './webhook-logs.ts';

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
const TABLES = 'mobile_users, service_identities, payments, notification_queue, audit_logs, webhook_logs';
beforeEach(() => platform.pool.query(`truncate ${TABLES} cascade`));

const query = (text: string, values: unknown[] = []) => platform.pool.query(text, values);
const IDS = [1, 2, 3].map((i) => `00000000-0000-4000-8000-00000000000${i}`);
const DAY_AGO = new Date(Date.now() - days(1));

/** A list: how its rows come to be, what may stand in one of them, and the ids of those that are read. */
type List = {
  table: string;
  seed(id: string, i: number): Promise<unknown>;
  odd: readonly string[];
  read(onRead: OnRead): Promise<Iterable<string>>;
  /** Where the odd row is served too, without what cannot be read. */
  isServed?: boolean;
  source?: string;
};

const customer = (id: string, i: number) =>
  query(
    `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
     values ($1::uuid, $1::text, 'x', $2, $3, $1::text, true, 'active')`,
    [id, `name-${i}`, 100 + i],
  );
const payment = (status: string, metadata: object) => (id: string) =>
  query(
    `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, metadata)
     values ($1::uuid, $1::text, $2, 10, 'USD', $3, 'cryptobot', 30, $4)`,
    [id, randomUUID(), status, JSON.stringify(metadata)],
  );
const message = (id: string, i: number) =>
  query(`insert into notification_queue (id, telegram_id, message, scheduled_at) values ($1, $2, 'hello', now())`, [
    id,
    100 + i,
  ]);
const byIndex = (found: Iterable<number>): string[] => [...found].map((chat) => IDS[chat - 100]!);
const idsOf = (found: readonly Payment[]): string[] => found.map(({ id }) => id);

const CHATS = [
  'telegram_id = 10::numeric ^ 18',
  'telegram_id = 0',
  'telegram_id = -5',
  'telegram_id = 9007199254740993',
];
const PAYMENTS = [
  ...[
    "amount = 'NaN', final_amount = null",
    "final_amount = 'NaN'",
    "created_at = 'infinity'",
    "updated_at = 'infinity'",
  ],
  ...["updated_at = '-infinity'", 'subscription_days = 2147483647', 'subscription_days = -2147483648', "currency = ''"],
];
const MARKED = { worker: { activation: 'pending' } };
const DECIDED = { worker: { decision: { act: 'extend', at: DAY_AGO.toISOString(), by: 'x', id: 'd' } } };
const RENEWAL = { worker: { renewal: { expires_at: DAY_AGO.toISOString(), telegram_id: 5 } } };
const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex');
const limits = { createdAfter: DAY_AGO, completedByOthersSince: DAY_AGO, endedSince: DAY_AGO };

const LISTS: Readonly<Record<string, List>> = {
  'chats of panel users': {
    table: 'mobile_users',
    seed: customer,
    odd: CHATS,
    read: async (onRead) => (await new CustomerContacts(db, onRead).telegramIds(IDS)).keys(),
    source: 'customer_contacts',
  },
  'chats of customers by name': {
    table: 'mobile_users',
    seed: customer,
    odd: CHATS,
    read: async (onRead) => {
      const found = await new CustomerContacts(db, onRead).telegramIdsByName(['name-0', 'name-1', 'name-2']);
      return byIndex(found.values());
    },
    source: 'customer_contacts',
  },
  'customers with a chat': {
    table: 'mobile_users',
    seed: customer,
    odd: CHATS,
    async read(onRead) {
      const all: number[] = [];
      for await (const group of new CustomersWithTelegram(db, onRead).inGroups(2)) all.push(...group);
      return byIndex(all);
    },
    source: 'customers_with_chat',
  },
  'owners of payments': {
    table: 'mobile_users',
    seed: customer,
    odd: CHATS,
    async read(onRead) {
      const owners = await new Customers(db, onRead).owners(IDS);
      return [...owners].flatMap(([id, { customer: found }]) => (found ? [id] : []));
    },
    isServed: true,
    source: 'customers',
  },
  'payments that are pending': {
    table: 'payments',
    seed: payment('pending', {}),
    odd: PAYMENTS,
    read: async (onRead) => idsOf((await new Payments(db, onRead).pending(undefined, 9)).items),
    source: 'payments',
  },
  'payments that are completed and not active': {
    table: 'payments',
    seed: payment('completed', MARKED),
    odd: PAYMENTS,
    read: async (onRead) => idsOf((await new Payments(db, onRead).completedNotActive(DAY_AGO, 9)).items),
    source: 'payments',
  },
  'payments that others completed': {
    table: 'payments',
    seed: payment('completed', {}),
    odd: PAYMENTS,
    read: async (onRead) => idsOf((await new Payments(db, onRead).completedByOthers(DAY_AGO, 9)).items),
    source: 'payments',
  },
  'payments that a person decided on': {
    table: 'payments',
    seed: payment('completed', DECIDED),
    odd: PAYMENTS,
    read: async (onRead) => idsOf((await new Payments(db, onRead).decided(DAY_AGO, 9)).items),
    source: 'payments',
  },
  'payments by fingerprint': {
    table: 'payments',
    seed: payment('pending', {}),
    odd: PAYMENTS,
    async read(onRead) {
      const found = await new Payments(db, onRead).byFingerprints(IDS.map(fingerprint), DAY_AGO);
      return [...found.values()].flatMap(({ items }) => idsOf(items));
    },
    source: 'payments',
  },
  'payments under way': {
    table: 'payments',
    seed: payment('completed', MARKED),
    odd: PAYMENTS,
    read: async (onRead) => idsOf((await new PaymentsUnderWay(db, onRead).page(undefined, 9, limits)).items),
    source: 'payments',
  },
  'open invoices of auto-renew': {
    table: 'payments',
    seed: payment('pending', RENEWAL),
    odd: PAYMENTS,
    read: async (onRead) => idsOf(await new PaymentsUnderWay(db, onRead).openRenewals(9)),
    source: 'payments',
  },
  'payments at the desk': {
    table: 'payments',
    seed: payment('completed', MARKED),
    odd: PAYMENTS,
    async read(onRead) {
      const { rows } = await new DeskPayments(db, onRead).list({ isAll: true, isOpen: false, late: DAY_AGO, limit: 9 });
      return rows.map((row) => row.payment.id);
    },
    source: 'payments',
  },
  'decisions about messages': {
    table: 'notification_queue',
    seed: message,
    odd: ["scheduled_at = 'infinity'", "scheduled_at = '-infinity'", "created_at = 'infinity'", "sent_at = 'infinity'"],
    async read(onRead) {
      const found = await new Decisions(db, onRead).messages(IDS);
      return [...found].flatMap(([id, one]) => (one === 'unreadable' ? [] : [id]));
    },
    source: 'messages',
  },
  'messages in the outbox': {
    table: 'notification_queue',
    seed: message,
    odd: [
      ...CHATS,
      "scheduled_at = 'infinity'",
      "created_at = '-infinity'",
      "sent_at = 'infinity'",
      "status = 'weird'",
    ],
    read: async () => (await new Outbox(db).list({}, { limit: 9 })).messages.map(({ id }) => id),
    isServed: true,
  },
  'webhooks that are not processed': {
    table: 'webhook_logs',
    seed: (id) =>
      query(`insert into webhook_logs (id, source, is_valid, payload) values ($1, 'cryptobot', true, '{}')`, [id]),
    odd: ["payload = to_jsonb(repeat('x', 300000))"],
    async read(onRead) {
      const page = await new WebhookLogs(db, onRead).unprocessed(DAY_AGO, 3, undefined, 9);
      return page.items.map(({ id }) => id);
    },
    source: 'webhook_logs',
  },
  'the audit trail': {
    table: 'audit_logs',
    seed: (id) => query(`insert into audit_logs (id, action, entity_id) values ($1::uuid, 'x', $1::text)`, [id]),
    odd: ["new_value = '[7]'", "new_value = '7'", "old_value = 'null'", "action = ''", "created_at = '4000-01-01'"],
    read: async () => (await new AuditTrail(db).search({}, { limit: 9 })).entries.map(({ id }) => id),
    isServed: true,
  },
  'what was audited of one user': {
    table: 'audit_logs',
    seed: (id) =>
      query(
        `insert into audit_logs (id, action, entity_id, new_value) values ($1::uuid, 'x', 'u', jsonb_build_object('id', $1::text))`,
        [id],
      ),
    odd: ["created_at = 'infinity'", "created_at = '-infinity'", "old_value = '[7]'"],
    async read() {
      const found = await new Decisions(db).audited('x', { id: 'u', username: 'anna' }, 9);
      return found.map(({ newValue }) => (newValue as { id: string }).id);
    },
    isServed: true,
  },
};

describe.each(Object.entries(LISTS))('one odd row among %s', (_, { isServed, odd, read, seed, source, table }) => {
  test.each(odd)('%s: the others are served, and it is said which is left out', async (change) => {
    const told: string[] = [];
    const onRead: OnRead = (reading) => void told.push(...reading.holes.map(({ item }) => `${reading.source} ${item}`));
    for (const [i, id] of IDS.entries()) await seed(id, i);
    expect(new Set(await read(onRead))).toEqual(new Set(IDS));
    expect(told).toEqual([]);
    await query(`update ${table} set ${change} where id = $1`, [IDS[1]]);
    const others = [IDS[0], IDS[2]];
    expect(new Set(await read(onRead))).toEqual(new Set(isServed ? IDS : others));
    expect(told).toEqual(source ? [expect.stringMatching(new RegExp(`^${source} .`))] : []);
  });
});

test('the owner of a payment that cannot be read is known: nobody decides about that customer', async () => {
  for (const id of IDS) await payment('completed', MARKED)(id);
  await query("update payments set currency = '' where id = $1", [IDS[1]]);
  const { rows } = await query('select user_uuid from payments where id = $1', [IDS[1]]);
  const page = await new PaymentsUnderWay(db).page(undefined, 9, limits);
  expect(page.unreadable).toEqual([{ id: IDS[1], customerId: rows[0].user_uuid }]);
});

test('a page of nothing but odd rows is no end of the list', async () => {
  for (const id of IDS) await payment('pending', {})(id);
  await query("update payments set currency = '' where id <> $1", [IDS[2]]);
  const first = await new PaymentsUnderWay(db).page(undefined, 2, limits);
  expect(first).toMatchObject({ items: [], lastId: IDS[1], isFull: true });
  expect((await new PaymentsUnderWay(db).page(first.lastId, 2, limits)).items).toMatchObject([{ id: IDS[2] }]);
});

test('a message whose row cannot be read is not taken for one that was never queued', async () => {
  for (const [i, id] of IDS.entries()) await message(id, i);
  await query("update notification_queue set scheduled_at = 'infinity' where id = $1", [IDS[1]]);
  const found = await new Decisions(db).messages(IDS);
  expect(found.get(IDS[1]!)).toBe('unreadable');
  expect(await new Decisions(db).queued(IDS)).toEqual(new Set(IDS));
  expect(found.get(IDS[0]!)).toMatchObject({
    createdAt: expect.toSatisfy((at: Date) => Date.now() - at.getTime() < minutes(5)),
  });
});
