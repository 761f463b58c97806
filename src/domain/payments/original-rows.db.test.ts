/** Rows of `payments` as the real backend writes them, by this service and by the stand-in of the backend. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type PaymentCustomer, type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

type Row = Readonly<Record<string, unknown>> & {
  subscription_days: number;
  metadata: { checkout_mode: string };
};
type Purchase = { name: string; row: Row; answers?: object[]; after: Record<string, unknown> };

const RECORD = new URL('../../../test/originals/backend/payments.json', import.meta.url);
const { purchases } = JSON.parse(await readFile(RECORD, 'utf8')) as { purchases: Purchase[] };
const pending = purchases.filter(({ answers }) => answers);

/** The customer's time before the payment, and the age of the row. */
const REST = days(3);
const AGE = minutes(6);

/** The end that each mode gives the panel user of the buyer. Nobody has an identity of the granted subscription here. */
const GIVEN: Readonly<Record<string, 'rest + days' | 'order + days' | 'rest'>> = {
  order_payment_attempt: 'rest + days',
  upgrade: 'order + days',
  addon_only: 'rest',
  gift_purchase: 'rest',
  selected_subscription_upgrade: 'rest',
  selected_subscription_addons: 'rest',
};

let alone: PaymentWorld;
let told: PaymentWorld;
beforeAll(async () => {
  [alone, told] = await Promise.all([paymentWorld(2), paymentWorld(2, 'backend')]);
});
afterAll(() => Promise.all([alone[Symbol.asyncDispose](), told[Symbol.asyncDispose]()]));

/** The recorded row for a customer of this world, with an invoice that is paid in full. */
async function seed(world: PaymentWorld, row: Row, customer: PaymentCustomer): Promise<string> {
  const { pool } = world.app.database;
  const [id, createdAt] = [randomUUID(), new Date(Date.now() - AGE)];
  const invoice = world.cryptopay.world.put({
    ...{ fiat: String(row.currency), amount: String(row.final_amount), status: 'paid' },
    paid_at: createdAt.toISOString(),
  });
  const given = { id, external_id: String(invoice.invoice_id), user_uuid: customer.id, plan_id: null };
  const times = { created_at: createdAt, updated_at: createdAt };
  await pool.query('insert into payments select * from jsonb_populate_record(null::payments, $1)', [
    JSON.stringify({ ...row, ...given, ...times }),
  ]);
  await pool.query('insert into wallets (user_id, balance, frozen) values ($1, 40, $2)', [
    ...[customer.id, row.wallet_amount_used],
  ]);
  return id;
}

test('the record has every mode that a checkout writes', () => {
  expect(new Set(pending.map(({ row }) => row.metadata.checkout_mode))).toEqual(new Set(Object.keys(GIVEN)));
});

test.each(pending)('$name is settled here for what it is', async ({ row }) => {
  const customer = await alone.customer({ endsInMs: REST });
  const before = alone.user(customer).expireAt;
  const id = await seed(alone, row, customer);
  await alone.complete({ id }).catch(() => undefined);
  await alone.complete({ id }).catch(() => undefined);

  const expected = GIVEN[row.metadata.checkout_mode]!;
  const bought = days(row.subscription_days);
  const ends = { rest: before, 'rest + days': before + bought, 'order + days': Date.now() - AGE + bought }[expected];
  expect(Math.abs(alone.user(customer).expireAt - ends)).toBeLessThan(minutes(1));
  for (const kind of ['payment_amount', 'payment_unknown_purchase']) expect(await alone.alerts(kind, id)).toEqual([]);
  // A gift's code can only be issued by the backend.
  const isLeft = row.metadata.checkout_mode === 'gift_purchase';
  expect((await alone.row(id)).status).toBe(isLeft ? 'pending' : 'completed');
  const { rows } = await alone.app.database.pool.query('select metadata from payments where id = $1', [id]);
  expect(rows[0].metadata).toMatchObject(row.metadata);
});

test.each(pending)('$name has the effects in the stand-in that it had in the backend', async ({ row, after }) => {
  const customer = await told.customer({ endsInMs: REST });
  const id = await seed(told, row, customer);
  await told.complete({ id }).catch(() => undefined);
  await told.complete({ id }).catch(() => undefined);
  const { rows } = await told.app.database.pool.query(
    `select status, (select count(*)::int from wallet_transactions where reference_id = p.id) as wallet_transactions
       from payments p where id = $1`,
    [id],
  );
  expect(rows[0]).toEqual({ status: after.status, wallet_transactions: after.wallet_transactions });
});
