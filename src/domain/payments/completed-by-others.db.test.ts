import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { near, type PaymentCustomer, type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

/** A payment of 30 days that the backend's webhook completed, made 6 minutes ago. */
async function completed(world: PaymentWorld, { id }: PaymentCustomer, seed: object = {}) {
  return world.payment({ customerId: id, status: 'completed', days: 30, invoice: { status: 'paid' }, ...seed });
}

/** Verification hands it over, and the job of this payment runs. */
async function verify(world: PaymentWorld, ...payments: { id: string; invoiceId: string }[]) {
  const found = await world.app.run('verify_pending_payments');
  const outcomes = [];
  for (const payment of payments) outcomes.push(await world.complete(payment));
  return { ...found, outcomes };
}

describe.each([2, 3] as const)('a payment that the backend completed first, panel %i.x', (generation) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(generation);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => world.reset());

  test('is extended once, told once, and marked', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await completed(world, customer);
    expect(await verify(world, payment, payment)).toMatchObject({
      taken_up: 1,
      outcomes: [{ completed: 1 }, { already: 1 }],
    });
    expect(await verify(world)).toMatchObject({ taken_up: 0 });
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_received' }]);
    const { metadata } = await world.row(payment.id);
    expect(metadata.worker).toMatchObject({ activation: 'done', settled_by: 'backend', panel_name: customer.username });
  });

  test('twice within minutes gives both', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const both = [await completed(world, customer), await completed(world, customer, { hoursAgo: 0.02 })];
    await Promise.all(both.map((payment) => world.complete(payment)));
    expect(world.user(customer).expireAt).toBe(before + days(60));
  });

  test('whose new panel user the backend made with the days is marked as given, and told', async () => {
    const customer = await world.customer({ endsInMs: days(30) - minutes(6) });
    const before = world.user(customer).expireAt;
    const payment = await completed(world, customer);
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before);
    const { metadata } = await world.row(payment.id);
    expect(metadata.worker).toMatchObject({ activation: 'done', given_by: 'backend' });
    expect(await world.messages(customer)).toHaveLength(1);
  });

  test('with a longer rest is asked about, once, and not looked at again', async () => {
    const customer = await world.customer({ endsInMs: days(100) });
    const payment = await completed(world, customer);
    expect(await verify(world, payment)).toMatchObject({ taken_up: 1, outcomes: [{ asked: 1 }] });
    expect(await verify(world, payment)).toMatchObject({ taken_up: 0 });
    expect(await world.alerts('payment_given_or_not', payment.id)).toHaveLength(1);
    const { metadata } = await world.row(payment.id);
    expect(metadata.worker).toMatchObject({ needs: { why: 'given_or_not' } });
    expect(metadata.worker.activation).toBeUndefined();
    expect(near(world.user(customer).expireAt, Date.now() + days(100))).toBe(true);
  });

  test('without a panel user waits for the backend to make one, and alerts nobody', async () => {
    const customer = await world.customer({ endsInMs: days(3), linked: false });
    await world.app.database.pool.query('update mobile_users set username = null, telegram_id = null where id = $1', [
      customer.id,
    ]);
    const payment = await completed(world, customer);
    expect(await world.complete(payment)).toMatchObject({ waiting: 1 });
    expect(await world.alerts('payment_unresolved', payment.id)).toEqual([]);
    const link = 'update mobile_users set remnawave_uuid = $2, username = $3, telegram_id = $4 where id = $1';
    await world.app.database.pool.query(link, [customer.id, customer.uuid, customer.username, customer.telegramId]);
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
  });

  test.each([
    ['a gift', { metadata: { checkout_mode: 'gift_purchase' } }],
    ['an add-on', { metadata: { checkout_mode: 'addon_only' } }],
    ['one older than 72 h', { hoursAgo: 73 }],
    ['one of another provider', { provider: 'telegram_stars', invoice: 'none' }],
  ])('%s is left alone', async (_, seed) => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await completed(world, customer, seed);
    expect(await verify(world)).toMatchObject({ taken_up: 0 });
    if (!('provider' in seed)) expect(await world.complete(payment)).toMatchObject({ already: 1 });
    expect(world.user(customer).expireAt).toBe(before);
    expect(await world.messages(customer)).toEqual([]);
  });

  test('is looked at every 5 minutes for an hour, and then once an hour', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    await completed(world, customer, { hoursAgo: 2 });
    const { byOthers } = world.app.app.services.entitlements;
    const hour = new Date(Math.ceil(Date.now() / hours(1)) * hours(1));
    const due = await Promise.all(
      [0, 4, 5, 35, 59].map((m) => byOthers.due(new Date(hour.getTime() + minutes(m)), 10)),
    );
    expect(due.map(({ length }) => length)).toEqual([1, 1, 0, 0, 0]);
  });

  test('its invoice unknown to Crypto Pay, as with an older token: the order’s date counts', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await completed(world, customer, { invoiceId: '424242' });
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(30));
  });

  test('a user without an end keeps having none, and the payment is over', async () => {
    const customer = await world.customer({ endsInMs: Date.parse('9999-12-31T00:00:00Z') - Date.now() });
    const before = world.user(customer).expireAt;
    const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before);
    expect((await world.row(payment.id)).status).toBe('completed');
    expect((await world.messages(customer))[0]!.message).toContain('without end');
  });
});

describe.each([
  ['ask', { taken_up: 1 }, 'given_or_not'],
  ['leave', { taken_up: 0 }, undefined],
] as const)('COMPLETED_BY_BACKEND=%s', (policy, found, needs) => {
  test('gives no days by itself', async () => {
    await using world = await paymentWorld(2, 'worker', { COMPLETED_BY_BACKEND: policy });
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await completed(world, customer);
    expect(await verify(world, payment)).toMatchObject(found);
    expect(world.user(customer).expireAt).toBe(before);
    const { metadata } = await world.row(payment.id);
    expect(metadata?.worker?.needs?.why).toBe(needs);
  });
});
