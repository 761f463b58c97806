import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { fingerprintOf } from '../../repositories/webhook-logs.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

describe.each(['worker', 'backend'] as const)('retry_failed_webhooks, settled by the %s', (mode) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(2, mode);
  });
  afterEach(() => world.reset());
  afterAll(() => world[Symbol.asyncDispose]());

  type Webhook = {
    source?: string;
    type?: string;
    payload?: object;
    valid?: boolean;
    hoursAgo?: number;
    processed?: boolean;
  };

  async function webhook(seed: Webhook): Promise<string> {
    const { source = 'cryptobot', type = 'invoice_paid', payload = {}, valid = true, hoursAgo: age = 1 } = seed;
    const id = randomUUID();
    const createdAt = new Date(Date.now() - hours(age));
    await world.app.database.pool.query(
      `insert into webhook_logs (id, source, event_type, payload, is_valid, created_at, processed_at) values ($1, $2, $3, $4, $5, $6, $7)`,
      [id, source, type, payload, valid, createdAt, seed.processed ? createdAt : null],
    );
    return id;
  }

  const row = async (id: string) =>
    (await world.app.database.pool.query('select * from webhook_logs where id = $1', [id])).rows[0];

  /** A webhook as the backend stores it: nothing but fingerprints. */
  const redacted = (invoiceId: string) => ({
    schema: 'webhook_log.redacted.v1',
    source: 'cryptobot',
    invoice_id_fingerprint: fingerprintOf(invoiceId),
    status: 'paid',
  });

  const retry = () => world.app.run('retry_failed_webhooks');

  async function payment(seed: object = {}) {
    const customer = await world.customer({ endsInMs: days(3) });
    return { customer, ...(await world.payment({ customerId: customer.id, invoice: { status: 'paid' }, ...seed })) };
  }

  test('a webhook that beat its payment is completed through the fingerprint of its invoice', async () => {
    const { customer, id, invoiceId } = await payment({ days: 30 });
    const before = world.user(customer).expireAt;
    const log = await webhook({ payload: redacted(invoiceId) });
    // It waits for a job that has retries of its own: that is no failed try of the webhook, however often it is seen.
    for (let looks = 0; looks < 4; looks += 1)
      expect(await retry()).toMatchObject({ checked: 1, dispatched: 1, processed: 0, failed: 0, given_up: 0 });
    expect((await row(log)).error_message).toBeNull();
    await world.worker();
    await world.quiet();
    expect(world.user(customer).expireAt).toBe(before + days(30));
    expect((await world.row(id)).status).toBe('completed');
    expect((await row(log)).processed_at).toBeInstanceOf(Date);
    expect(await retry()).toMatchObject({ checked: 0 });
  });

  test('one that succeeds at its second look keeps no trace of the first', async () => {
    const log = await webhook({ type: 'invoice_paid', payload: redacted('987654321') });
    expect(await retry()).toMatchObject({ failed: 1 });
    expect((await row(log)).error_message).toContain('no payment has this invoice');
    await payment({ status: 'completed', invoiceId: '987654321' });
    expect(await retry()).toMatchObject({ processed: 1 });
    expect(await row(log)).toMatchObject({ processed_at: expect.any(Date), error_message: null });
  });

  test.each([
    ['payment_id', (id: string) => ({ payment_id: id })],
    ['invoice_id', (_: string, invoiceId: string) => ({ invoice_id: Number(invoiceId) })],
    ['the body', (_: string, invoiceId: string) => ({ update_id: 1, payload: { invoice_id: Number(invoiceId) } })],
  ])('rows in the original shape work too: with %s', async (_, shape) => {
    const { id, invoiceId } = await payment();
    await webhook({ type: 'payment', payload: shape(id, invoiceId) });
    expect(await retry()).toMatchObject({ dispatched: 1 });
  });

  test('what the backend has dealt with only gets its mark', async () => {
    const completed = await payment({ status: 'completed' });
    const refunded = await payment({ status: 'refunded' });
    const open = await payment({ invoice: {} });
    const logs = [
      await webhook({ payload: redacted(completed.invoiceId) }),
      await webhook({ payload: redacted(refunded.invoiceId) }),
      await webhook({ type: 'invoice_expired', payload: redacted(open.invoiceId) }),
    ];
    expect(await retry()).toMatchObject({ checked: 3, processed: 3, dispatched: 0, failed: 0 });
    for (const id of logs) expect((await row(id)).processed_at).toBeInstanceOf(Date);
  });

  test('not valid, processed, older than 24 hours: not looked at', async () => {
    await webhook({ valid: false });
    await webhook({ processed: true });
    await webhook({ hoursAgo: 24.1 });
    expect(await retry()).toMatchObject({ checked: 0 });
  });

  test('at most 3 tries; the third sets error_message and alerts once', async () => {
    const log = await webhook({ payload: redacted('123456789') });
    expect(await retry()).toMatchObject({ failed: 1, given_up: 0 });
    expect((await row(log)).error_message).toBe('attempt=1; retry 1/3: no payment has this invoice');
    expect(await retry()).toMatchObject({ failed: 1, given_up: 0 });
    // The count is in the row: an emptied Redis changes nothing.
    await world.app.redis.client.flushall();
    expect(await retry()).toMatchObject({ failed: 1, given_up: 1 });
    expect(await row(log)).toMatchObject({ processed_at: null, error_message: expect.stringContaining('retry 3/3') });
    expect(await world.alerts('webhook_failed', log)).toHaveLength(1);
    expect(await retry()).toMatchObject({ checked: 0 });
    expect(await world.alerts('webhook_failed', log)).toHaveLength(1);
  });

  test('tries that the Python worker counted in its prefix go on being counted', async () => {
    const [twice, thrice] = [await webhook({ payload: redacted('1') }), await webhook({ payload: redacted('2') })];
    const { pool } = world.app.database;
    const update = 'update webhook_logs set error_message = $2 where id = $1';
    await pool.query(update, [twice, 'attempt=2; missing_payment_id']);
    await pool.query(update, [thrice, 'attempt=3; max_attempts_reached']);
    expect(await retry()).toMatchObject({ checked: 1, failed: 1, given_up: 1 });
    expect((await row(twice)).error_message).toBe('attempt=3; retry 3/3: no payment has this invoice');
  });

  test('user and server events: cache refreshed, event published, marked', async () => {
    const { client } = world.app.redis;
    const uuid = randomUUID();
    await client.set(`cybervpn:subscription:${uuid}`, 'cached');
    await webhook({ source: 'remnawave', type: 'user.expired', payload: { data: { uuid } } });
    await webhook({ source: 'remnawave', type: 'user.modified', payload: { schema: 'webhook_log.redacted.v1' } });
    await webhook({ source: 'remnawave', type: 'node.connection_lost', payload: {} });
    await webhook({ source: 'remnawave', type: 'crm.note', payload: {} });
    expect(await retry()).toMatchObject({ checked: 4, processed: 4, failed: 0 });
    expect(await client.exists(`cybervpn:subscription:${uuid}`)).toBe(0);
    const { queues, services } = world.app.app;
    expect(await queues.get('monitoring').getWaitingCount()).toBe(1);
    expect(await queues.get('sync').getWaitingCount()).toBe(1);
    expect(await services.events.latest(10)).toMatchObject([
      { type: 'webhook.reprocessed', data: { kind: 'server', webhooks: 1 } },
      { type: 'webhook.reprocessed', data: { kind: 'user', webhooks: 2 } },
    ]);
  });

  test('2,500 rows of a busy day are gone through, page by page', async () => {
    await world.app.database.pool.query(
      `insert into webhook_logs (id, source, event_type, payload, is_valid, created_at)
     select gen_random_uuid(), 'remnawave', 'user.modified', '{}', true, now() - interval '1 hour' from generate_series(1, 2500)`,
    );
    expect(await retry()).toMatchObject({ checked: 2500, processed: 2500 });
  });

  test('a payload that is no object is no reason to stop', async () => {
    await world.app.database.pool.query(
      `insert into webhook_logs (id, source, event_type, payload, is_valid) values ($1, 'cryptobot', 'invoice_paid', '"text"', true)`,
      [randomUUID()],
    );
    expect(await retry()).toMatchObject({ checked: 1, failed: 1 });
  });
});
