import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';

/** A minute of the backend and the second of our pace, both made twenty times shorter: the proportion is the real one. */
const TIMES_FASTER = 20;

let world: PaymentWorld;
beforeAll(async () => {
  const limit = { requests: 100, windowMs: 60_000 / TIMES_FASTER };
  world = await paymentWorld(2, 'backend', {}, { everyMs: 1_000 / TIMES_FASTER, limit });
});
afterEach(() => world.reset());
afterAll(() => world[Symbol.asyncDispose]());

const verify = () => world.app.run('verify_pending_payments');
const queue = () => world.app.app.queues.get('payments');

test('60 webhooks were lost, and the backend answers 500 to each: all 60 are active after one poll, none is dead, the breaker is closed', {
  timeout: minutes(4),
}, async () => {
  const customers = await Promise.all(Array.from({ length: 60 }, () => world.customer({ endsInMs: days(3) })));
  const before = customers.map((customer) => world.user(customer).expireAt);
  const payments = await Promise.all(
    customers.map(({ id }) => world.payment({ customerId: id, days: 30, invoice: { status: 'paid' } })),
  );
  expect(await verify()).toMatchObject({ paid: 60 });
  await world.worker();
  await until(
    'all are active',
    async () => {
      const { rows } = await world.app.database.pool.query(
        `select 1 from payments where metadata #>> '{worker,activation}' = 'done'`,
      );
      return rows.length === payments.length;
    },
    minutes(3),
  );
  expect(customers.map((customer) => world.user(customer).expireAt)).toEqual(before.map((at) => at + days(30)));
  expect(world.backend!.refused()).toBe(0);
  expect(payments.map(({ id }) => world.backend!.sideEffects.get(id))).toEqual(payments.map(() => 1));
  expect(await queue().getFailedCount()).toBe(0);
  const breaker = world.app.app.metrics.registry.getSingleMetricAsString('cybervpn_breaker_state');
  expect(await breaker).toContain('{service="backend"} 0');
});

test('130 invoices expired: every one is told, none is refused', { timeout: minutes(3) }, async () => {
  const { id } = await world.customer({ endsInMs: days(3) });
  const payments = await Promise.all(
    Array.from({ length: 130 }, () => world.payment({ customerId: id, invoice: { status: 'expired' } })),
  );
  expect(await verify()).toMatchObject({ failed: 130, postponed: 0 });
  expect(world.backend!.refused()).toBe(0);
  expect(world.backend!.told).toHaveLength(130);
  const { rows } = await world.app.database.pool.query(`select 1 from payments where status = 'failed'`);
  expect(rows).toHaveLength(payments.length);
});

test('paid payments are told first: nobody who has paid waits behind those who have not', async () => {
  const { id } = await world.customer({ endsInMs: days(3) });
  await Promise.all(
    Array.from({ length: 10 }, () => world.payment({ customerId: id, invoice: { status: 'expired' } })),
  );
  const payer = await world.customer({ endsInMs: days(3) });
  await world.payment({ customerId: payer.id, invoice: { status: 'paid' } });
  await world.backend!.faults({ kind: 'rate_limited', retryAfterSeconds: 60, count: 1 });
  // The run is held back at the first of them, and yet has handed over the one that was paid.
  expect(await verify()).toMatchObject({ paid: 1, failed: 0, postponed: 10 });
  expect(await queue().getWaitingCount()).toBe(1);
});
