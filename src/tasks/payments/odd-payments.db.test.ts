import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { days } from '../../lib/duration.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await paymentWorld(3);
});
afterEach(() => world.reset());
afterAll(() => world[Symbol.asyncDispose]());

const query = (text: string, values: unknown[] = []) => world.app.database.pool.query(text, values);
const verify = () => world.app.run('verify_pending_payments');

async function paid(hoursAgo = 0.1) {
  const customer = await world.customer({ endsInMs: days(3) });
  const payment = await world.payment({ customerId: customer.id, days: 30, hoursAgo });
  await world.cryptopay.world.pay(Number(payment.invoiceId), { webhook: false });
  return { customer, payment };
}

test.each([{ status: null }, { amount: 'much' }, { currency_type: 'gold' }, { fiat: null }])(
  'an invoice with %j: the other payment is completed, and this one is neither completed nor ended at any age',
  async (odd) => {
    const spoilt = await paid(30);
    const other = await paid();
    world.cryptopay.world.spoil(Number(spoilt.payment.invoiceId), odd);
    expect(await verify()).toMatchObject({ checked: 2, paid: 1, unreadable: 1, failed: 0 });
    await world.worker();
    await world.quiet();
    expect((await world.row(other.payment.id)).status).toBe('completed');
    expect((await world.row(spoilt.payment.id)).status).toBe('pending');
    await until('its invoice is told', async () => {
      const [alert] = await world.alerts('unreadable_cryptobot_invoices', spoilt.payment.invoiceId);
      return alert?.includes(`invoice_id ${spoilt.payment.invoiceId}`);
    });
  },
);

test('an invoice in a state that we do not know waits, whatever its age', async () => {
  const { payment } = await paid(30);
  world.cryptopay.world.spoil(Number(payment.invoiceId), { status: 'frozen' });
  expect(await verify()).toMatchObject({ checked: 1, paid: 0, failed: 0 });
  expect((await world.row(payment.id)).status).toBe('pending');
});

test('A paid in a coin that we do not know, B in USDT: both are completed', async () => {
  const [a, b] = [await paid(), await paid()];
  world.cryptopay.world.spoil(Number(a.payment.invoiceId), { paid_asset: 'a new coin', paid_amount: '0.1' });
  expect(await verify()).toMatchObject({ checked: 2, paid: 2 });
  await world.worker();
  await world.quiet();
  for (const { payment } of [a, b]) expect((await world.row(payment.id)).status).toBe('completed');
});

test.each([
  "amount = 'NaN', final_amount = null",
  "final_amount = 'NaN'",
  "created_at = 'infinity'",
  "created_at = '-infinity'",
  "updated_at = 'infinity'",
  'subscription_days = 2147483647',
  'subscription_days = -2147483648',
  "currency = ''",
])('a row with %s: the other payment is completed, and this one is left as it is and told', async (change) => {
  const spoilt = await paid(30);
  const other = await paid();
  await query(`update payments set ${change} where id = $1`, [spoilt.payment.id]);
  expect(await verify()).toMatchObject({ checked: 1, paid: 1, unreadable: 1 });
  await world.worker();
  await world.quiet();
  expect((await world.row(other.payment.id)).status).toBe('completed');
  expect((await world.row(spoilt.payment.id)).status).toBe('pending');
  await expect(world.complete(spoilt.payment)).rejects.toMatchObject({ code: 'row_unreadable' });
  await until('its row is told', async () => (await world.alerts('unreadable_payments', spoilt.payment.id)).length > 0);
});

test('a webhook larger than any is given up with its reason, the others are dealt with', async () => {
  const webhook = async (payload: string): Promise<string> => {
    const id = randomUUID();
    await query(
      `insert into webhook_logs (id, source, event_type, payload, is_valid) values ($1, 'remnawave', 'user.modified', ${payload}, true)`,
      [id],
    );
    return id;
  };
  const odd = await webhook("to_jsonb(repeat('x', 300000))");
  await webhook(`'[]'`);
  await webhook(`'"text"'`);
  await webhook('\'{"uuid": 7, "data": null}\'');
  expect(await world.app.run('retry_failed_webhooks')).toMatchObject({ checked: 4, processed: 3, failed: 1 });
  const { rows } = await query('select error_message from webhook_logs where id = $1', [odd]);
  expect(rows[0].error_message).toContain('payload_bytes must be at most 262144');
});

test('a webhook about a payment whose row cannot be read says so, and not that there is none', async () => {
  const { payment } = await paid();
  await query(`update payments set updated_at = 'infinity' where id = $1`, [payment.id]);
  const id = randomUUID();
  await query(
    `insert into webhook_logs (id, source, event_type, payload, is_valid) values ($1, 'cryptobot', 'invoice_paid', $2, true)`,
    [id, { invoice_id: payment.invoiceId }],
  );
  expect(await world.app.run('retry_failed_webhooks')).toMatchObject({ failed: 1, dispatched: 0 });
  const { rows } = await query('select error_message from webhook_logs where id = $1', [id]);
  expect(rows[0].error_message).toContain(`payment id ${payment.id}`);
});

test('customers whose Telegram id is none: the broadcast goes to all others', async () => {
  const ids = ['5', '9007199254740993', '6', '9223372036854775807', '-7'];
  for (const [i, telegramId] of ids.entries()) {
    await query(
      `insert into mobile_users (id, email, password_hash, username, telegram_id, is_active, status)
       values ($1, $2, 'x', $3, $4, true, 'active')`,
      [randomUUID(), `${i}@example.com`, `c_${i}`, telegramId],
    );
  }
  const job = { jobId: 'all', initiatedBy: 'cli' };
  await world.app.run('execute_bulk_broadcast', { telegram_ids: 'all', message: 'hello' }, job).catch(() => undefined);
  const { rows } = await query("select telegram_id from notification_queue where message like '%hello%' order by 1");
  expect(rows.map(({ telegram_id }) => telegram_id)).toEqual(['5', '6']);
});

test('a customer whose Telegram id is none gets the days that were paid for', async () => {
  const { customer, payment } = await paid();
  world.panel.changeUser(customer.username, { telegramId: 1e18 });
  await query('update mobile_users set telegram_id = 10::numeric ^ 18 where id = $1', [customer.id]);
  await query('update payments set metadata = $2 where id = $1', [
    payment.id,
    { remnawave_user_id: String(customer.panelId) },
  ]);
  const before = world.user(customer).expireAt;
  expect(await world.complete(payment)).toMatchObject({ completed: 1 });
  expect(world.user(customer).expireAt).toBe(before + days(30));
});
