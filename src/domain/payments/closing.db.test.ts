import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type PaymentWorld, paymentWorld, type SeededPayment } from '../../testing/payment-world.ts';

describe.each(['worker', 'backend'] as const)('a payment that nobody paid for a day, settled by the %s', (mode) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(3, mode);
  });
  afterEach(() => world.reset());
  afterAll(() => world[Symbol.asyncDispose]());

  const verify = () => world.app.run('verify_pending_payments');
  const statusOf = async ({ id }: SeededPayment) => (await world.row(id)).status;
  const invoiceOf = ({ invoiceId }: SeededPayment) => world.cryptopay.world.store.get(Number(invoiceId));
  const calls = () => world.cryptopay.world.calls.map(({ method }) => method);

  async function unpaid(hoursAgo = 25) {
    const customer = await world.customer({ endsInMs: days(3) });
    return { customer, payment: await world.payment({ customerId: customer.id, days: 30, hoursAgo }) };
  }

  test('its open invoice is ended at Crypto Pay before it is given up, and the text says what is known', async () => {
    const { customer, payment } = await unpaid();
    expect(await verify()).toMatchObject({ failed: 1, postponed: 0 });
    expect(await statusOf(payment)).toBe('failed');
    expect(invoiceOf(payment)).toBeUndefined();
    const [told] = await world.messages(customer);
    expect(told!.message).toContain('No money has arrived for this payment');
    expect(told!.message).not.toContain('charged');
  });

  test('one that is younger keeps its invoice', async () => {
    const { payment } = await unpaid(23);
    expect(await verify()).toMatchObject({ failed: 0 });
    expect(invoiceOf(payment)?.status).toBe('active');
    expect(calls()).toEqual(['getInvoices']);
  });

  test('an invoice that is paid between the look and its end is completed instead', async () => {
    const { customer, payment } = await unpaid();
    const before = world.user(customer).expireAt;
    world.cryptopay.world.onCall = (method) => {
      if (method !== 'deleteInvoice') return;
      const invoice = Number(payment.invoiceId);
      void world.cryptopay.world.pay(invoice, { webhook: false });
      // The time of Crypto Pay's own webhook, which the worker leaves to it, is over.
      world.cryptopay.world.spoil(invoice, { paid_at: new Date(Date.now() - minutes(3)).toISOString() });
    };
    expect(await verify()).toMatchObject({ failed: 0, paid: 1 });
    world.cryptopay.world.onCall = undefined;
    await world.worker();
    await world.quiet();
    expect(await statusOf(payment)).toBe('completed');
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect((await world.messages(customer)).map(({ notification_type: type }) => type)).toEqual(['payment_received']);
  });

  test('the answer to the deletion is lost: the invoice is read, and it is gone', async () => {
    const { payment } = await unpaid();
    world.cryptopay.faults({ kind: 'cut_after', path: '/api/deleteInvoice', count: 1 });
    expect(await verify()).toMatchObject({ failed: 1 });
    expect(await statusOf(payment)).toBe('failed');
    expect(calls()).toEqual(['getInvoices', 'deleteInvoice', 'getInvoices']);
  });

  test('Crypto Pay goes away in between: postponed, nothing said, and ended by the next run', async () => {
    const { customer, payment } = await unpaid();
    world.cryptopay.faults({ kind: 'error', status: 502, path: '/api/deleteInvoice' });
    expect(await verify()).toMatchObject({ failed: 0, postponed: 1 });
    expect(await statusOf(payment)).toBe('pending');
    expect(await world.messages(customer)).toEqual([]);
    world.cryptopay.faults();
    expect(await verify()).toMatchObject({ failed: 1 });
    expect(await statusOf(payment)).toBe('failed');
  });

  test('who pays too late all the same hears once that support knows, and support does', async () => {
    const { customer, payment } = await unpaid();
    await verify();
    world.cryptopay.world.put({ id: Number(payment.invoiceId), fiat: 'USD', amount: '10', status: 'paid' });
    for (let time = 1; time <= 2; time += 1) expect(await world.complete(payment)).toMatchObject({ in_vain: 1 });
    const told = (await world.messages(customer)).filter(({ notification_type: type }) => type === 'payment_late');
    expect(told).toHaveLength(1);
    expect(told[0]!.message).toContain('Support knows about it');
    expect(await world.alerts('payment_in_vain', payment.id)).toHaveLength(1);
  });
});
