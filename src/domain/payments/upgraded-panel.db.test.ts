import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type PaymentCustomer, type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

/** What a run before the upgrade wrote: the panel's id of then means nothing to the panel of now. */
const marksBefore = (customer: PaymentCustomer, { isNamed }: { isNamed: boolean }) => ({
  panel_user: customer.uuid,
  ...(isNamed && { panel_name: customer.username }),
});

describe('payments over an upgrade of the panel from 2.x to 3.x', () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(3);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => world.reset());

  /** Promised before the upgrade and not yet at the panel, and paid after it. */
  async function both(isNamed: boolean) {
    const customer = await world.customer({ endsInMs: days(3) });
    const end = world.user(customer).expireAt;
    const worker = {
      ...{ ...marksBefore(customer, { isNamed }), activation: 'pending', attempts: 1 },
      basis: new Date(end).toISOString(),
      target_expire_at: new Date(end + days(30)).toISOString(),
      recorded_at: new Date(Date.now() - minutes(2)).toISOString(),
    };
    const promised = await world.payment({
      customerId: customer.id,
      metadata: { worker },
      invoice: { status: 'paid' },
    });
    const later = await world.payment({ customerId: customer.id, invoice: { status: 'paid' } });
    return { customer, end, promised, later };
  }

  const cases = [true, false].flatMap((isNamed) =>
    (['promised first', 'later first', 'at once'] as const).map((order) => ({ isNamed, order })),
  );

  test.each(cases)('two payments add up: $order, the promise names the user: $isNamed', async ({ isNamed, order }) => {
    const { customer, end, later, promised } = await both(isNamed);
    if (order === 'at once') await Promise.all([world.complete(promised), world.complete(later)]);
    else for (const one of order === 'later first' ? [later, promised] : [promised, later]) await world.complete(one);
    expect(world.user(customer).expireAt).toBe(end + days(60));
  });

  test.each([true, false])(
    'a renewal goes on for a customer whose last payment we completed, named: %s',
    async (isNamed) => {
      const customer = await world.customer({ endsInMs: minutes(40) });
      const worker = { ...marksBefore(customer, { isNamed }), activation: 'done' };
      const metadata = { auto_renew: true, worker };
      await world.payment({ customerId: customer.id, status: 'completed', hoursAgo: 700, metadata, invoice: 'none' });
      expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 1 });
    },
  );

  test('no second invoice for a period that has one from before the upgrade', async () => {
    const customer = await world.customer({ endsInMs: minutes(40) });
    const last = { customerId: customer.id, status: 'completed', hoursAgo: 700, invoice: 'none' } as const;
    await world.payment({ ...last, metadata: { auto_renew: true } });
    const expiresAt = new Date(world.user(customer).expireAt).toISOString();
    const renewal = { expires_at: expiresAt, telegram_id: customer.telegramId };
    const metadata = { remnawave_uuid: customer.uuid, auto_renew: true, worker: { renewal } };
    await world.payment({ customerId: customer.id, metadata, invoice: { status: 'active' } });
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 0, already: 1 });
    const { rows } = await world.app.database.pool.query(`select id from payments where status = 'pending'`);
    expect(rows).toHaveLength(1);
  });

  test('a payment for another user of this customer is no payment of this one', async () => {
    const customer = await world.customer({ endsInMs: minutes(40) });
    const worker = { panel_user: randomUUID(), panel_name: 'another_user', activation: 'done' };
    const last = { customerId: customer.id, status: 'completed', hoursAgo: 700, invoice: 'none' } as const;
    await world.payment({ ...last, metadata: { auto_renew: true, worker } });
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 0, already: 0 });
  });
});
