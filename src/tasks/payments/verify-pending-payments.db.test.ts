import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';

describe.each(['worker', 'backend'] as const)('verify_pending_payments, settled by the %s', (mode) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(3, mode);
  });
  afterEach(() => world.reset());
  afterAll(() => world[Symbol.asyncDispose]());

  const verify = () => world.app.run('verify_pending_payments');

  /** Runs the task, and the jobs that it enqueued, to the end. */
  async function verifyAndComplete() {
    const result = await verify();
    await world.worker();
    await world.quiet();
    return result;
  }

  describe('a paid invoice', () => {
    test('by polling alone: paid, active, told', async () => {
      const customer = await world.customer({ endsInMs: days(3) });
      const before = world.user(customer).expireAt;
      const payment = await world.payment({ customerId: customer.id, days: 30 });
      expect(await verify()).toMatchObject({ checked: 1, paid: 0 });
      const invoice = Number(payment.invoiceId);
      await world.cryptopay.world.pay(invoice);
      world.cryptopay.world.spoil(invoice, { paid_at: new Date(Date.now() - minutes(3)).toISOString() });
      expect(await verifyAndComplete()).toMatchObject({ checked: 1, paid: 1 });
      expect(world.user(customer)).toMatchObject({ status: 'ACTIVE', expireAt: before + days(30) });
      expect((await world.row(payment.id)).status).toBe('completed');
      expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_received' }]);
      expect(await verify()).toMatchObject({ checked: 0 });
    });

    test('was paid while the worker was off for 25 hours: still activated', async () => {
      const customer = await world.customer({ endsInMs: -days(1), status: 'EXPIRED' });
      const payment = await world.payment({ customerId: customer.id, hoursAgo: 25, invoice: { status: 'paid' } });
      expect(await verifyAndComplete()).toMatchObject({ paid: 1, failed: 0 });
      expect(world.user(customer).status).toBe('ACTIVE');
      expect((await world.row(payment.id)).status).toBe('completed');
    });

    test('is one job, however often it is seen', async () => {
      const customer = await world.customer({ endsInMs: days(3) });
      await world.payment({ customerId: customer.id, invoice: { status: 'paid' } });
      await Promise.all([verify(), verify(), verify()]);
      expect(await world.app.app.queues.get('payments').getWaitingCount()).toBe(1);
    });

    test('60 pending payments, all paid: 60 activated', { timeout: minutes(2) }, async () => {
      const customers = await Promise.all(Array.from({ length: 60 }, () => world.customer({ endsInMs: days(3) })));
      const before = customers.map((customer) => world.user(customer).expireAt);
      await Promise.all(
        customers.map(({ id }) => world.payment({ customerId: id, days: 7, invoice: { status: 'paid' } })),
      );
      expect(await verifyAndComplete()).toMatchObject({ checked: 60, paid: 60 });
      expect(customers.map((customer) => world.user(customer).expireAt)).toEqual(before.map((at) => at + days(7)));
      const { rows } = await world.app.database.pool.query('select status, count(*)::int from payments group by 1');
      expect(rows).toEqual([{ status: 'completed', count: 60 }]);
    });
  });

  describe('an unpaid invoice', () => {
    test('that expired: failed and told', async () => {
      const customer = await world.customer({ endsInMs: days(3) });
      const payment = await world.payment({ customerId: customer.id, invoice: { status: 'expired' } });
      expect(await verify()).toMatchObject({ failed: 1, paid: 0 });
      expect((await world.row(payment.id)).status).toBe('failed');
      expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_failed' }]);
      expect(await verify()).toMatchObject({ checked: 0 });
      expect(await world.messages(customer)).toHaveLength(1);
    });

    test('younger than 24 hours waits; older is asked once more, then failed and told; nobody hears of one older than 72 hours', async () => {
      const [young, old, ancient] = await Promise.all([1, 2, 3].map(() => world.customer({ endsInMs: days(3) })));
      const waiting = await world.payment({ customerId: young!.id, hoursAgo: 23.9 });
      const late = await world.payment({ customerId: old!.id, hoursAgo: 24.1 });
      const forgotten = await world.payment({ customerId: ancient!.id, hoursAgo: 72.1 });
      expect(await verify()).toMatchObject({ checked: 3, failed: 2 });
      expect((await world.row(waiting.id)).status).toBe('pending');
      expect((await world.row(late.id)).status).toBe('failed');
      expect((await world.row(forgotten.id)).status).toBe('failed');
      expect(await world.messages(young!)).toHaveLength(0);
      expect(await world.messages(old!)).toHaveLength(1);
      expect(await world.messages(ancient!)).toHaveLength(0);
      const asked = world.cryptopay.world.calls.filter(({ method }) => method === 'getInvoices');
      expect(asked).toHaveLength(1);
      expect(String(asked[0]!.fields.invoice_ids).split(',')).toHaveLength(3);
    });

    test('that Crypto Pay does not know waits for 24 hours, too', async () => {
      const customer = await world.customer({ endsInMs: days(3) });
      const young = await world.payment({ customerId: customer.id, invoiceId: '99999901', hoursAgo: 1 });
      const old = await world.payment({ customerId: customer.id, invoiceId: '99999902', hoursAgo: 30 });
      await verify();
      expect((await world.row(young.id)).status).toBe('pending');
      expect((await world.row(old.id)).status).toBe('failed');
    });
  });

  test('an external_id that is no invoice id does not spoil the others, and other providers are left alone', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const odd = await world.payment({ customerId: customer.id, invoiceId: 'cs_test_1,2' });
    const none = await world.payment({ customerId: customer.id, invoice: 'none' });
    const stars = await world.payment({ customerId: customer.id, provider: 'telegram_stars', hoursAgo: 100 });
    await world.payment({ customerId: customer.id, invoice: { status: 'paid' } });
    expect(await verify()).toMatchObject({ checked: 3, paid: 1, failed: 0 });
    for (const { id } of [odd, none, stars]) expect((await world.row(id)).status).toBe('pending');
  });

  test('a mismatched payment waits for an admin: not tried again, not failed after 24 hours', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await world.payment({
      customerId: customer.id,
      hoursAgo: 30,
      invoice: { amount: '1', status: 'paid' },
    });
    expect(await verifyAndComplete()).toMatchObject({ paid: 1 });
    expect(await verify()).toMatchObject({ paid: 0, failed: 0, mismatched: 1 });
    expect((await world.row(payment.id)).status).toBe('pending');
    expect(await world.alerts('payment_mismatch', payment.id)).toHaveLength(1);
  });

  test('payments that are completed but not active are resumed, without asking Crypto Pay', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const at = (ms: number) => new Date(ms).toISOString();
    const worker = {
      activation: 'pending',
      panel_user: String(customer.panelId),
      basis: at(before),
      target_expire_at: at(before + days(30)),
      recorded_at: at(Date.now() - minutes(30)),
      attempts: 4,
    };
    const payment = await world.payment({
      customerId: customer.id,
      status: 'completed',
      metadata: { worker },
      invoiceId: '77',
    });
    const done = { ...worker, activation: 'done' };
    await world.payment({ customerId: customer.id, status: 'completed', metadata: { worker: done }, invoiceId: '78' });
    expect(await verifyAndComplete()).toMatchObject({ resumed: 1, paid: 0 });
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect((await world.row(payment.id)).metadata.worker).toMatchObject({ activation: 'done', attempts: 5 });
    expect(world.cryptopay.world.calls).toEqual([]);
  });

  test('a payment known to be paid is taken up again and never failed, however old', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const paid_at = new Date(Date.now() - hours(200)).toISOString();
    const metadata = { worker: { activation: 'pending', attempts: 4, paid_at } };
    const payment = await world.payment({
      customerId: customer.id,
      hoursAgo: 200,
      metadata,
      invoice: { status: 'expired' },
    });
    expect(await verifyAndComplete()).toMatchObject({ paid: 1, failed: 0 });
    expect((await world.row(payment.id)).status).toBe('completed');
  });

  test('Crypto Pay away: the run fails and is repeated; nobody is failed for it', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await world.payment({ customerId: customer.id, hoursAgo: 30, invoice: { status: 'expired' } });
    world.cryptopay.faults({ kind: 'error', status: 502 });
    await expect(verify()).rejects.toMatchObject({ name: 'CryptoPayFailure' });
    expect((await world.row(payment.id)).status).toBe('pending');
    const run = world.app.run('verify_pending_payments', {}, { attempt: 4 });
    await expect(run).rejects.toMatchObject({ name: 'CryptoPayFailure' });
    expect(await world.alerts('task_failed', 'CRITICAL')).toHaveLength(1);
  });

  test('the panel away for two minutes: one extension, in the end', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
    world.panel.faults({ kind: 'error', status: 503 });
    await world.worker();
    await verify();
    const queue = world.app.app.queues.get('payments');

    await until('the first attempt has failed', async () => (await queue.getDelayedCount()) === 1);
    expect((await world.row(payment.id)).status).toBe(mode === 'backend' ? 'completed' : 'pending');
    world.panel.faults();
    // Moves the clock of the retry on.
    for (const job of await queue.getDelayed()) await job.promote();
    await world.quiet();
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect((await world.row(payment.id)).status).toBe('completed');
    expect(await world.messages(customer)).toHaveLength(1);
  });

  test('a customer whose chat only the panel knows is told of a failure, too', async () => {
    const customer = await world.customer({ endsInMs: days(3), account: false });
    await world.payment({
      customerId: randomUUID(),
      metadata: { remnawave_user_id: customer.panelId },
      invoice: { status: 'expired' },
    });
    await verify();
    expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_failed' }]);
  });
});
