import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BackendSandbox } from '../../../sandbox/backend/server.ts';
import { days } from '../../lib/duration.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

let world: PaymentWorld;
let backend: BackendSandbox;

beforeAll(async () => {
  world = await paymentWorld(2, 'backend');
  backend = world.backend!;
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  backend.faults();
  backend.ignore(false);
  world.panel.faults();
});

beforeEach(() => backend.reset());

const run = (task: string, payload: object = {}, attempt = 1) => world.app.run(task, payload, { attempt });

const complete = ({ id }: { id: string }, attempt = 1) =>
  run('process_payment_completion', { payment_id: id }, attempt);

async function paid() {
  const customer = await world.customer({ endsInMs: days(3) });
  const before = world.user(customer).expireAt;
  const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
  return { customer, before, payment };
}

test('with a backend: it completes the payment and does what follows, then we activate and tell', async () => {
  const { customer, before, payment } = await paid();
  expect(await complete(payment)).toMatchObject({ completed: 1 });
  expect(backend.told.at(-1)).toEqual({ event: 'invoice_paid', invoiceId: payment.invoiceId, status: 'processed' });
  expect(backend.sideEffects.get(payment.id)).toBe(1);
  expect(world.user(customer).expireAt).toBe(before + days(30));
  expect(await world.row(payment.id)).toMatchObject({
    status: 'completed',
    metadata: { worker: { activation: 'done', settled_by: 'backend' } },
  });
  expect(await world.messages(customer)).toHaveLength(1);
  expect(await complete(payment)).toMatchObject({ already: 1 });
});

test('the panel away: completed by the backend, not active by our marker; 4.1 resumes it to the same date', async () => {
  const { customer, before, payment } = await paid();
  world.panel.faults({ kind: 'error', status: 503 });
  await expect(complete(payment)).rejects.toMatchObject({ code: 'remnawave_unavailable' });
  expect(await world.row(payment.id)).toMatchObject({
    status: 'completed',
    metadata: { worker: { activation: 'pending' } },
  });
  expect(await world.messages(customer)).toEqual([]);
  world.panel.faults();
  expect(await run('verify_pending_payments')).toMatchObject({ resumed: 1 });
  expect(await complete(payment)).toMatchObject({ completed: 1 });
  expect(backend.sideEffects.get(payment.id)).toBe(1);
  expect(world.user(customer).expireAt).toBe(before + days(30));
});

test('the backend away, then its answer lost: tried again, and the lost answer is looked up at once', async () => {
  const { customer, before, payment } = await paid();
  backend.faults({ kind: 'error', status: 503, count: 1 });
  await expect(complete(payment)).rejects.toMatchObject({ code: 'backend_unavailable' });
  expect(world.user(customer).expireAt).toBe(before);
  await world.letClaimRunOut(payment.id);
  backend.faults({ kind: 'cut_after', count: 1 });
  expect(await complete(payment, 2)).toMatchObject({ completed: 1 });
  expect(backend.sideEffects.get(payment.id)).toBe(1);
  expect(world.user(customer).expireAt).toBe(before + days(30));
});

test('a backend that takes the webhook and ignores it: nothing is activated, and the admins are told in the end', async () => {
  const { customer, before, payment } = await paid();
  backend.ignore(true);
  await expect(complete(payment, 4)).rejects.toMatchObject({ code: 'backend_not_completed' });
  expect(world.user(customer).expireAt).toBe(before);
  expect(await world.alerts('payment_activation', payment.id)).toHaveLength(1);
});

test('two workers at once: one extension, one message, side effects once', async () => {
  const { customer, before, payment } = await paid();
  const results = await Promise.all([1, 2, 3].map(() => world.complete(payment)));
  expect(results.filter(({ completed }) => completed === 1)).toHaveLength(1);
  expect(backend.sideEffects.get(payment.id)).toBe(1);
  expect(world.user(customer).expireAt).toBe(before + days(30));
  expect(await world.messages(customer)).toHaveLength(1);
});

test('an expired invoice: the backend is told, marks it failed, and the customer hears of it', async () => {
  const customer = await world.customer({ endsInMs: days(3) });
  const payment = await world.payment({ customerId: customer.id, invoice: { status: 'expired' } });
  expect(await run('verify_pending_payments')).toMatchObject({ failed: 1 });
  expect(backend.told.at(-1)).toEqual({ event: 'invoice_expired', invoiceId: payment.invoiceId, status: 'processed' });
  expect((await world.row(payment.id)).status).toBe('failed');
  expect(await world.messages(customer)).toMatchObject([{ notification_type: 'payment_failed' }]);
});

test('the backend away: an expired payment waits, and the run goes on', async () => {
  const customer = await world.customer({ endsInMs: days(3) });
  const payment = await world.payment({ customerId: customer.id, invoice: { status: 'expired' } });
  const unsent = await world.payment({ customerId: customer.id, invoice: 'none', hoursAgo: 30 });
  backend.faults({ kind: 'error', status: 500 });
  expect(await run('verify_pending_payments')).toMatchObject({ postponed: 1, failed: 1 });
  expect((await world.row(payment.id)).status).toBe('pending');
  // Without an invoice there is no gateway: nothing in the backend waits for this payment.
  expect((await world.row(unsent.id)).status).toBe('failed');
});

/** The rows that the checkout writes beside a payment. */
async function checkout({ id }: { id: string }, customerId: string, attemptStatus = 'pending') {
  const { pool } = world.app.database;
  const order = randomUUID();
  await pool.query('insert into orders (id, user_id) values ($1, $2)', [order, customerId]);
  await pool.query(
    `insert into payment_attempts (id, order_id, payment_id, provider, status, displayed_amount, idempotency_key)
     values (gen_random_uuid(), $1, $2, 'cryptobot', $3, 10, 'key')`,
    [order, id, attemptStatus],
  );
  return async () => {
    const { rows } = await pool.query(
      `select attempt.status, attempt.terminal_at is not null as ended, orders.settlement_status as settled
         from payment_attempts as attempt join orders on orders.id = attempt.order_id where attempt.payment_id = $1`,
      [id],
    );
    return rows[0];
  };
}

test('what an update of the row alone would skip forever has happened: attempt, order, frozen wallet', async () => {
  const { customer, payment } = await paid();
  const settled = await checkout(payment, customer.id);
  await complete(payment);
  expect(await settled()).toEqual({ status: 'succeeded', ended: true, settled: 'paid' });

  const { pool } = world.app.database;
  await pool.query('insert into wallets (user_id, balance, frozen) values ($1, 50, 5)', [customer.id]);
  const expired = await world.payment({
    ...{ customerId: customer.id, walletUsed: '5' },
    metadata: { wallet_frozen: true },
    invoice: { status: 'expired' },
  });
  const ended = await checkout(expired, customer.id);
  await run('verify_pending_payments');
  expect(await ended()).toEqual({ status: 'expired', ended: true, settled: 'failed' });
  const { rows } = await pool.query('select frozen::int from wallets where user_id = $1', [customer.id]);
  expect(rows).toEqual([{ frozen: 0 }]);
});

test('paid after its attempt had ended: the backend ignores it, nothing is activated, the admins are told', async () => {
  const { customer, before, payment } = await paid();
  await checkout(payment, customer.id, 'cancelled');
  await expect(complete(payment, 4)).rejects.toMatchObject({ code: 'backend_not_completed' });
  expect(backend.told.at(-1)).toMatchObject({ status: 'ignored_terminal_attempt' });
  expect(world.user(customer).expireAt).toBe(before);
  expect(await world.alerts('payment_activation', payment.id)).toHaveLength(1);
});
