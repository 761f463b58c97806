import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { signBody } from '../../clients/cryptobot/webhook.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import {
  near,
  type PaymentCustomer,
  type PaymentWorld,
  paymentWorld,
  type SeededPayment,
} from '../../testing/payment-world.ts';

describe.each([
  [2, 'worker'],
  [3, 'worker'],
  [3, 'backend'],
] as const)('process_payment_completion on a panel %i.x, settled by the %s', (generation, mode) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(generation, mode);
  });
  /** The status of a paid payment while its days are not in the panel: the backend completes it first, the worker last. */
  const untilActive = mode === 'backend' ? 'completed' : 'pending';
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => {
    world.panel.faults();
    expect(world.panel.violations()).toEqual([]);
  });

  const paid = (customerId: string, seed: object = {}) =>
    world.payment({ customerId, invoice: { status: 'paid' }, ...seed });

  const extensions = ({ panelId, uuid }: PaymentCustomer) =>
    world.panel.calls().mutations.filter(({ body, route, status }) => {
      const { id, uuid: named } = (body ?? {}) as { id?: number; uuid?: string };
      return route === 'PATCH /api/users' && status < 300 && (id === panelId || named === uuid);
    });

  test('a paid payment extends, becomes completed, is audited, told and published once', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { days: 30 });
    await world.app.redis.client.set(`cybervpn:subscription:${customer.uuid}`, 'cached');

    expect(await world.complete(payment)).toMatchObject({ completed: 1 });

    const target = before + days(30);
    expect(world.user(customer)).toMatchObject({ status: 'ACTIVE', expireAt: target });
    const row = await world.row(payment.id);
    expect(row.status).toBe('completed');
    expect(row.metadata.worker).toMatchObject({
      activation: 'done',
      basis: new Date(before).toISOString(),
      target_expire_at: new Date(target).toISOString(),
      attempts: 1,
      settled_by: mode,
    });
    expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_received' }]);
    expect(await world.audits(payment.id)).toMatchObject([
      { action: 'payment.completed', new_value: { status: 'completed', expire_at: new Date(target).toISOString() } },
    ]);
    const [event] = await world.app.app.services.events.latest(1);
    expect(event).toMatchObject({
      type: 'payment.completed',
      data: { payment_id: payment.id, user_uuid: customer.id, amount: '10', currency: 'USD', subscription_days: 30 },
    });
    const { client } = world.app.redis;
    expect(await client.get(`cryptobot:processed:${payment.invoiceId}`)).toBe('processed');
    expect(await client.exists(`cybervpn:subscription:${customer.uuid}`)).toBe(generation === 2 ? 0 : 1);
  });

  test('already completed is success without effect', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await paid(customer.id);
    await world.complete(payment);
    const after = { ...world.user(customer) };

    expect(await world.complete(payment)).toMatchObject({ completed: 0, already: 1 });
    expect(world.user(customer).expireAt).toBe(after.expireAt);
    expect(await world.messages(customer)).toHaveLength(1);
    expect(await world.audits(payment.id)).toHaveLength(1);
  });

  test('a row that the backend completed long ago is left alone', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { status: 'completed', hoursAgo: 73 });
    expect(await world.complete(payment)).toMatchObject({ already: 1 });
    expect(world.user(customer).expireAt).toBe(before);
  });

  test('one that another worker completed and left over its message: nothing is changed, and the admins are told once', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { status: 'completed', hoursAgo: 73 });
    const handed = (sentHoursAgo: number) =>
      world.app.run(
        'process_payment_completion',
        { payment_id: payment.id },
        { initiatedBy: 'taskiq', enqueuedAt: new Date(Date.now() - hours(sentHoursAgo)) },
      );
    expect(await handed(72)).toMatchObject({ already: 1 });
    expect(await world.alerts('payment_unfinished', payment.id)).toEqual([]);
    for (let times = 0; times < 2; times += 1) expect(await handed(74)).toMatchObject({ already: 1 });
    expect(await world.alerts('payment_unfinished', payment.id)).toHaveLength(1);
    expect(world.user(customer).expireAt).toBe(before);
    expect(await world.messages(customer)).toEqual([]);
  });

  test.each([
    ['an active payer: from the current expiry on', { endsInMs: days(10) }, days(40)],
    ['one who expired long ago: from now on', { endsInMs: -days(100), status: 'EXPIRED' }, days(30)],
    ['a disabled one with time left', { endsInMs: days(5), status: 'DISABLED' }, days(35)],
    ['a disabled one who expired', { endsInMs: -days(5), status: 'DISABLED' }, days(30)],
    [
      'a limited one',
      { endsInMs: days(5), status: 'LIMITED', trafficLimitBytes: 1000, usedTrafficBytes: 2000 },
      days(35),
    ],
  ] as const)('the right expiry, and ACTIVE: %s', async (_, subscription, endsInMs) => {
    const customer = await world.customer(subscription);
    const payment = await paid(customer.id, { days: 30 });
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    world.panel.advance(120_000);
    const user = world.user(customer);
    expect(user.status).toBe('ACTIVE');
    expect(near(user.expireAt, Date.now() + endsInMs)).toBe(true);
  });

  test.each([
    ['another amount', {}, { amount: '9.99', fiat: 'USD' }],
    ['another currency', {}, { amount: '10', fiat: 'EUR' }],
    ['a coin for a fiat price', {}, { amount: '10', asset: 'USDT' }],
    ['the price before the discount', { amount: '12', finalAmount: '10' }, { amount: '12', fiat: 'USD' }],
  ])('%s: CRITICAL, nothing activated, pending and marked', async (_, seed, invoice) => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const fiat = { fiat: undefined, asset: undefined };
    const payment = await world.payment({
      customerId: customer.id,
      ...seed,
      invoice: { ...fiat, ...invoice, status: 'paid' } as never,
      metadata: { wallet_frozen: true },
    });
    expect(await world.complete(payment)).toMatchObject({ mismatched: 1, completed: 0 });
    expect(await world.complete(payment)).toMatchObject({ mismatched: 1 });
    expect(world.user(customer).expireAt).toBe(before);
    const row = await world.row(payment.id);
    expect(row.status).toBe('pending');
    expect(row.metadata).toMatchObject({ wallet_frozen: true, worker: { mismatch: { amount: invoice.amount } } });
    expect(await world.alerts('payment_mismatch', payment.id)).toHaveLength(1);
    expect(await world.messages(customer)).toEqual([]);
  });

  test('a coin price that was paid in another coin, or with too little, is a mismatch', async () => {
    for (const paid of [
      { paid_asset: 'TON', paid_amount: '10' },
      { paid_asset: 'USDT', paid_amount: '9.99999999' },
    ]) {
      const customer = await world.customer({ endsInMs: days(3) });
      const payment = await world.payment({ customerId: customer.id, currency: 'USDT' });
      await world.cryptopay.world.pay(Number(payment.invoiceId), { ...paid, webhook: false });
      expect(await world.complete(payment)).toMatchObject({ mismatched: 1 });
    }
  });

  test('the amount that was really charged counts, to the last digit and as decimals', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const exact = await world.payment({
      customerId: customer.id,
      amount: '20',
      finalAmount: '9.990',
      invoice: { amount: '9.9900000000', status: 'paid' },
    });
    expect(await world.complete(exact)).toMatchObject({ completed: 1 });
    const off = await paid(customer.id, { amount: '9.99', invoice: { amount: '9.990000000001', status: 'paid' } });
    expect(await world.complete(off)).toMatchObject({ mismatched: 1 });
  });

  test('what stands in metadata stays', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const metadata = { wallet_frozen: true, invoice_snapshot: { invoice_id: 1, amount: '10.0' }, auto_renew: true };
    const payment = await paid(customer.id, { metadata });
    await world.complete(payment);
    expect((await world.row(payment.id)).metadata).toMatchObject(metadata);
  });

  test('an open invoice is not paid, whoever claims so', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await world.payment({ customerId: customer.id });
    const invoice_data = { invoice_id: Number(payment.invoiceId), status: 'paid', amount: '10' };
    const result = await world.app.run('process_payment_completion', { payment_id: payment.id, invoice_data });
    expect(result).toMatchObject({ not_paid: 1, completed: 0 });
    expect((await world.row(payment.id)).metadata).toBeNull();
  });

  test('an unknown payment id is tried again and then told', async () => {
    const id = randomUUID();
    const run = (attempt: number) => world.app.run('process_payment_completion', { payment_id: id }, { attempt });
    await expect(run(1)).rejects.toMatchObject({ code: 'payment_unknown', name: 'TransientError' });
    expect(await world.alerts('payment_activation', id)).toHaveLength(0);
    await expect(run(4)).rejects.toMatchObject({ code: 'payment_unknown' });
    expect(await world.alerts('payment_activation', id)).toHaveLength(1);
  });

  test('a signed body is believed, a forged one is refused', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await world.payment({ customerId: customer.id });
    const invoice = world.cryptopay.world.invoice(Number(payment.invoiceId));
    const update = { update_id: 7, update_type: 'invoice_paid', request_date: new Date(), payload: invoice };
    const raw_body = JSON.stringify({ ...update, payload: { ...invoice, status: 'paid', paid_at: minutesAgo(3) } });
    const signature = signBody(Buffer.from(raw_body), world.cryptopay.token);
    const run = (payload: object) => world.app.run('process_payment_completion', payload);

    for (const forged of [{ raw_body }, { raw_body, signature: 'x' }, { raw_body: `${raw_body} `, signature }]) {
      await expect(run(forged)).rejects.toMatchObject({ code: 'cryptobot_signature', name: 'ForgedWebhookError' });
    }
    expect((await world.row(payment.id)).status).toBe('pending');
    expect(await run({ raw_body, signature })).toMatchObject({ completed: 1 });
    expect(await run({ raw_body, signature })).toMatchObject({ already: 1 });
  });

  test('a body about another invoice than the payment does nothing', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await paid(customer.id);
    const payload = { payment_id: payment.id, invoice_data: { invoice_id: 1 } };
    await expect(world.app.run('process_payment_completion', payload)).rejects.toMatchObject({
      code: 'payment_invoice_differs',
    });
    await expect(
      world.app.run('process_payment_completion', { payment_id: payment.id, provider: 'stripe' }),
    ).rejects.toMatchObject({ code: 'payment_provider' });
  });

  test('one invoice that stands on two payments extends once', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const first = await paid(customer.id, { days: 30 });
    const second = await world.payment({ customerId: customer.id, days: 30, invoiceId: first.invoiceId });
    const before = world.user(customer).expireAt;
    const results = await Promise.allSettled([world.complete(first), world.complete(second)]);
    const outcomes = results.map(({ status, ...result }) => (status === 'fulfilled' ? result : status));
    expect(outcomes.filter((outcome) => JSON.stringify(outcome).includes('"in_vain":1'))).toHaveLength(1);
    // The backend refuses an invoice that stands on two payments, so that neither gets anything before a person has looked.
    const given = mode === 'backend' ? 0 : 1;
    expect(outcomes.filter((outcome) => JSON.stringify(outcome).includes('"completed":1'))).toHaveLength(given);
    expect(world.user(customer).expireAt).toBe(before + days(30 * given));
    expect(await world.alerts('payment_in_vain', first.invoiceId)).toHaveLength(1);
  });

  test('an invoice paid after its payment had failed is told to the admins', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { status: 'failed' });
    expect(await world.complete(payment)).toMatchObject({ in_vain: 1 });
    expect(await world.alerts('payment_in_vain', payment.id)).toHaveLength(1);
    expect(world.user(customer).expireAt).toBe(before);
  });

  test('the same payment eight times at once: one extension, one completed, one message', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { days: 30 });
    const results = await Promise.all(Array.from({ length: 8 }, () => world.complete(payment)));
    expect(results.map(({ completed }) => completed).sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect(await world.messages(customer)).toHaveLength(1);
    expect(await world.audits(payment.id)).toHaveLength(1);
  });

  test('several payments of one user at once add up', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payments = await Promise.all([30, 30, 7, 90, 1].map((n) => paid(customer.id, { days: n })));
    await Promise.all(payments.map((payment) => world.complete(payment)));
    expect(world.user(customer).expireAt).toBe(before + days(158));
    expect(await world.messages(customer)).toHaveLength(5);
  });

  /** A fault for the next change of a user: the third call about users, after two readings. */
  const onChange = (kind: 'error' | 'cut_after' | 'reset'): void =>
    world.panel.faults({ kind, path: '/api/users', rate: 0.334, count: 1, ...(kind === 'error' && { status: 503 }) });

  const attempt = (payment: SeededPayment, n: number) =>
    world.app.run('process_payment_completion', { payment_id: payment.id }, { attempt: n });

  test('a payment that is taken up again never takes back what another one gave', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const [first, second] = [await paid(customer.id, { days: 30 }), await paid(customer.id, { days: 30 })];
    onChange('error');
    await expect(world.complete(first)).rejects.toMatchObject({ code: 'remnawave_unavailable' });
    expect(world.user(customer).expireAt).toBe(before);

    expect(await world.complete(second)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(60));
    expect(await world.complete(first)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(60));
  });

  test('an answer lost after success: read back, compared, one extension', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { days: 30 });
    world.panel.forgetCalls();
    onChange('cut_after');
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect(extensions(customer)).toHaveLength(1);
    expect(await world.messages(customer)).toHaveLength(1);
  });

  test('panel 503: not completed before the panel has it; out of retries CRITICAL with user and date; resumed to that date', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await paid(customer.id, { days: 30 });
    for (const n of [1, 2, 3, 4]) {
      expect(await world.alerts('payment_activation', payment.id)).toEqual([]);
      onChange('error');
      await expect(attempt(payment, n)).rejects.toMatchObject({ code: 'remnawave_unavailable' });
      expect(await world.row(payment.id)).toMatchObject({
        status: untilActive,
        metadata: { worker: { activation: 'pending', attempts: n } },
      });
    }
    const [alert] = await world.alerts('payment_activation', payment.id);
    const target = new Date(before + days(30)).toISOString().slice(0, 16).replace('T', ' ');
    for (const fact of ['CRITICAL', payment.invoiceId, customer.id, customer.username, target, '503']) {
      expect(alert).toContain(fact);
    }

    const takenUp = mode === 'backend' ? 'resumed' : 'paid';
    expect((await world.app.run('verify_pending_payments'))[takenUp]).toBeGreaterThan(0);
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    expect(world.user(customer).expireAt).toBe(before + days(30));
  });

  test('whose panel user is unclear is told to the admins, once, and nothing is guessed', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const gone = await paid(customer.id, { metadata: { remnawave_uuid: randomUUID() } });
    const nobody = await world.payment({ customerId: randomUUID(), invoice: { status: 'paid' } });
    await world.app.database.pool.query('update mobile_users set telegram_id = null, username = null where id = $1', [
      customer.id,
    ]);
    for (const payment of [gone, nobody]) {
      expect(await world.complete(payment)).toMatchObject({ unresolved: 1 });
      expect(await world.complete(payment)).toMatchObject({ unresolved: 1 });
      expect(await world.alerts('payment_unresolved', payment.id)).toHaveLength(1);
      expect(await world.row(payment.id)).toMatchObject({
        status: untilActive,
        metadata: { worker: { activation: 'pending' } },
      });
    }
  });

  test('fingerprints of handled deliveries are marked', async () => {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await paid(customer.id);
    const fingerprint = createHash('sha256').update(payment.invoiceId).digest('hex');
    const { pool } = world.app.database;
    await pool.query(
      `insert into webhook_logs (id, source, event_type, payload, is_valid, error_message)
       values ($1, 'cryptobot', 'invoice_paid', $2, true, 'attempt=1; retry 1/3: no payment has this invoice')`,
      [randomUUID(), { invoice_id_fingerprint: fingerprint }],
    );
    await world.complete(payment);
    const { rows } = await pool.query(`select * from webhook_logs where payload ->> 'invoice_id_fingerprint' = $1`, [
      fingerprint,
    ]);
    // The backend logs what it is told as well.
    expect(rows).toHaveLength(mode === 'backend' ? 2 : 1);
    for (const row of rows) expect(row).toMatchObject({ processed_at: expect.any(Date), error_message: null });
  });
});

const minutesAgo = (n: number): string => new Date(Date.now() - minutes(n)).toISOString();
