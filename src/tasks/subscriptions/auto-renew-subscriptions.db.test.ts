import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import {
  type NewCustomer,
  type PaymentCustomer,
  type PaymentWorld,
  paymentWorld,
} from '../../testing/payment-world.ts';

const PLAN = '00000000-0000-4000-8000-00000000a001';

describe.each([2, 3] as const)('auto_renew_subscriptions on a panel %i.x', (generation) => {
  let world: PaymentWorld;
  beforeEach(async () => {
    world = await paymentWorld(generation);
    await world.app.database.pool.query(
      `insert into subscription_plans (id, name, display_name, duration_days, price_usd) values ($1, 'plus', 'Plus', 90, 5.99)`,
      [PLAN],
    );
  });
  afterEach(async () => {
    expect(world.panel.violations()).toEqual([]);
    await world[Symbol.asyncDispose]();
  });

  const renew = () => world.app.run('auto_renew_subscriptions');

  /** A customer whose last payment wishes auto-renew. */
  async function subscriber(subscription: Partial<NewCustomer> = {}, payment: object = {}): Promise<PaymentCustomer> {
    const customer = await world.customer({ endsInMs: minutes(50), ...subscription });
    const seed = { hoursAgo: 700, status: 'completed', planId: PLAN, metadata: { auto_renew: true }, ...payment };
    await world.payment({ customerId: customer.id, ...seed });
    return customer;
  }

  const renewals = async ({ id }: PaymentCustomer) =>
    (
      await world.app.database.pool.query(
        `select * from payments where user_uuid = $1 and status <> 'completed' order by created_at`,
        [id],
      )
    ).rows;

  const created = () => world.cryptopay.world.calls.filter(({ method }) => method === 'createInvoice');

  test('expiry within 1 hour: one invoice, pending in payments, and a message with its link', async () => {
    const customer = await subscriber();
    expect(await renew()).toMatchObject({ ending: 1, invoiced: 1 });

    const [payment] = await renewals(customer);
    expect(payment).toMatchObject({
      status: 'pending',
      provider: 'cryptobot',
      currency: 'USD',
      amount: '5.99000000',
      subscription_days: 90,
      plan_id: PLAN,
      metadata: { auto_renew: true },
    });
    const invoice = world.cryptopay.world.invoice(Number(payment.external_id));
    expect(invoice).toMatchObject({ currency_type: 'fiat', fiat: 'USD', amount: '5.99', status: 'active' });
    expect(invoice.payload).toBe(`${customer.id}:${PLAN}:${payment.id}`);
    const [message] = await world.messages(customer);
    expect(message).toMatchObject({ notification_type: 'payment_renewal' });
    expect(message!.message).toContain(invoice.mini_app_invoice_url);
  });

  test('one invoice per user and expiry date, however often and however many at once', async () => {
    const customer = await subscriber();
    await Promise.all([renew(), renew(), renew()]);
    expect(await renew()).toMatchObject({ invoiced: 0, already: 1 });
    expect(await renewals(customer)).toHaveLength(1);
    expect(created()).toHaveLength(1);
    expect(await world.messages(customer)).toHaveLength(1);
  });

  test('paid: extended through the ordinary path, and renewed again at its next end', async () => {
    const customer = await subscriber();
    const before = world.user(customer).expireAt;
    await renew();
    const [payment] = await renewals(customer);
    await world.cryptopay.world.pay(Number(payment.external_id), { webhook: false });
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(90));
    expect(await renew()).toMatchObject({ ending: 0, invoiced: 0 });

    world.panel.changeUser(customer.username, { expireAt: Date.now() + minutes(30) });
    expect(await renew()).toMatchObject({ invoiced: 1 });
    expect(await renewals(customer)).toHaveLength(1);
  });

  test('not paid: no further invoice, and after 24 hours the payment ends', async () => {
    const customer = await subscriber();
    await renew();
    world.panel.changeUser(customer.username, { status: 'EXPIRED', expireAt: Date.now() - hours(1) });
    expect(await renew()).toMatchObject({ ending: 0, invoiced: 0 });
    world.cryptopay.world.advance(days(1));
    await world.app.run('verify_pending_payments');
    expect(await renewals(customer)).toMatchObject([{ status: 'failed' }]);
    expect(created()).toHaveLength(1);
  });

  test('switched off by the newest payment: nothing', async () => {
    const customer = await subscriber();
    await world.payment({
      customerId: customer.id,
      hoursAgo: 10,
      status: 'completed',
      metadata: { auto_renew: false },
    });
    expect(await renew()).toMatchObject({ ending: 1, off: 1, invoiced: 0 });
    expect(await renewals(customer)).toEqual([]);
    expect(created()).toEqual([]);
  });

  test('the tag AUTO_RENEW switches it on, and taking it away switches it off', async () => {
    const customer = await subscriber({ tag: 'AUTO_RENEW' }, { metadata: null });
    await renew();
    const [payment] = await renewals(customer);
    expect(payment.metadata.auto_renew).toBeUndefined();
    await world.cryptopay.world.pay(Number(payment.external_id), { webhook: false });
    await world.complete(payment);
    world.panel.changeUser(customer.username, { tag: null, expireAt: Date.now() + minutes(30) });
    expect(await renew()).toMatchObject({ ending: 1, off: 1, invoiced: 0 });
  });

  test('a plan that is no longer sold: the last payment’s own amount and days', async () => {
    await world.app.database.pool.query('update subscription_plans set is_active = false');
    const customer = await subscriber({}, { amount: '12.5', finalAmount: '3', currency: 'USDT', days: 45 });
    await renew();
    expect(await renewals(customer)).toMatchObject([
      { amount: '12.50000000', currency: 'USDT', subscription_days: 45 },
    ]);
  });

  test('more than an hour left, over already, disabled: not invoiced', async () => {
    await subscriber({ endsInMs: minutes(61) });
    await subscriber({ endsInMs: -minutes(1) });
    await subscriber({ status: 'DISABLED' });
    expect(await renew()).toMatchObject({ ending: 0 });
  });

  test('who cannot be told, or pays in what Crypto Pay does not take, is counted and left alone', async () => {
    const stars = { planId: undefined, currency: 'XTR', provider: 'telegram_stars' };
    await subscriber({}, stars);
    const tagged = await world.customer({ endsInMs: minutes(50), tag: 'AUTO_RENEW' });
    expect(await renew()).toMatchObject({ ending: 2, unable: 2, invoiced: 0 });
    expect(await renewals(tagged)).toEqual([]);
  });

  test('the answer of Crypto Pay lost: the invoice is found again, not made again', async () => {
    const customer = await subscriber();
    world.cryptopay.faults({ kind: 'cut_after', path: 'createInvoice', count: 1 });
    await expect(renew()).rejects.toMatchObject({ code: 'renewals_not_invoiced' });
    expect(await renewals(customer)).toMatchObject([{ status: 'pending', external_id: null }]);
    expect(await world.messages(customer)).toEqual([]);

    expect(await renew()).toMatchObject({ invoiced: 1 });
    expect(created()).toHaveLength(1);
    const [payment] = await renewals(customer);
    expect(world.cryptopay.world.invoice(Number(payment.external_id)).payload).toContain(payment.id);
    expect(await world.messages(customer)).toHaveLength(1);
  });

  test('one user’s trouble does not keep the others from their invoice', async () => {
    const users = [await subscriber(), await subscriber()];
    world.cryptopay.faults({ kind: 'error', status: 500, path: 'createInvoice', count: 1 });
    await expect(renew()).rejects.toMatchObject({ code: 'renewals_not_invoiced' });
    expect((await Promise.all(users.map((user) => world.messages(user)))).flat()).toHaveLength(1);
    await renew();
    expect((await Promise.all(users.map((user) => world.messages(user)))).flat()).toHaveLength(2);
    expect(created()).toHaveLength(2);
  });
});
