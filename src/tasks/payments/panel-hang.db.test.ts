import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../../sandbox/faults.ts';
import { ClientPolicy } from '../../clients/policy.ts';
import { connectPanel } from '../../clients/remnawave/connect.ts';
import { composePayments } from '../../domain/payments/compose.ts';
import { days } from '../../lib/duration.ts';
import type { Result } from '../../runtime/define-task.ts';
import { runOnce } from '../../runtime/run-once.ts';
import {
  type PaymentCustomer,
  type PaymentWorld,
  paymentWorld,
  type SeededPayment,
} from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';

/** Used instead of 15 s: after this the outcome of a call to the panel is unknown. */
const LIMIT_MS = 700;

describe.each(['worker', 'backend'] as const)('a panel that hangs while a payment is settled by the %s', (mode) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(3, mode);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => world.panel.faults());

  /** Runs the shipped task with a panel client that gives up sooner. */
  async function completeImpatiently({ id }: SeededPayment): Promise<Result> {
    const { app } = world.app;
    const { config, services } = app;
    const calls = { called: () => undefined, breaker: () => undefined };
    const policy = new ClientPolicy({ service: 'remnawave', observer: calls, timeLimitMs: LIMIT_MS });
    const panel = connectPanel({ baseUrl: world.panel.url, token: config.REMNAWAVE_API_TOKEN, policy });
    const { foundation } = app.parts;
    const impatient = { ...foundation, services: { ...foundation.services, panel } };
    const payments = composePayments(impatient, services, config);
    return await runOnce(
      'process_payment_completion',
      { payment_id: id },
      {
        ...app,
        services: { ...services, ...payments.services, panel },
        middleware: app.middleware(async () => undefined),
        signal: new AbortController().signal,
        initiatedBy: 'test',
        now: new Date(),
        jobId: randomUUID(),
      },
    );
  }

  async function paidPayment(): Promise<{ customer: PaymentCustomer; payment: SeededPayment; target: number }> {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
    world.panel.forgetCalls();
    return { customer, payment, target: world.user(customer).expireAt + days(30) };
  }

  /** Hits only the change: it is the third call about users, after two readings. */
  const onChange = { path: '/api/users', rate: 0.334, count: 1 } as const;
  const changes = (): number =>
    world.panel.calls().mutations.filter(({ route, status }) => route === 'PATCH /api/users' && status < 300).length;

  async function expectOneExtension(customer: PaymentCustomer, payment: SeededPayment, target: number): Promise<void> {
    expect(world.user(customer)).toMatchObject({ status: 'ACTIVE', expireAt: target });
    expect(await world.row(payment.id)).toMatchObject({
      status: 'completed',
      metadata: { worker: { activation: 'done', target_expire_at: new Date(target).toISOString() } },
    });
    expect(await world.messages(customer)).toHaveLength(1);
    expect(await world.audits(payment.id)).toHaveLength(1);
    expect(world.backend?.sideEffects.get(payment.id) ?? 1).toBe(1);
  }

  test.each<[string, Fault]>([
    ['at every call', { kind: 'hang' }],
    ['at the change', { kind: 'hang', ...onChange }],
  ])('%s: not done before the panel has it, and one extension once it answers', async (_, fault) => {
    const { customer, payment, target } = await paidPayment();
    world.panel.faults(fault);
    await expect(completeImpatiently(payment)).rejects.toMatchObject({ code: 'remnawave_timeout' });
    expect(world.user(customer).expireAt).toBe(target - days(30));
    expect((await world.row(payment.id)).metadata.worker.activation).toBe('pending');
    expect(await world.messages(customer)).toEqual([]);

    world.panel.faults();
    expect(await world.complete(payment)).toMatchObject({ completed: 1 });
    await expectOneExtension(customer, payment, target);
    expect(changes()).toBe(1);
  });

  /** The panel is late in one way for either settlement. The second change arrives well after everything that the next attempt does. */
  const late = [
    ['before the next attempt, which finds it done', 2_500, 1],
    ['after the next attempt, which has done it', 4_000, 2],
  ] as const;

  test.each(mode === 'worker' ? late : [])(
    'and does the change long after its caller left, %s: one extension',
    async (_, ms, expectedChanges) => {
      const { customer, payment, target } = await paidPayment();
      world.panel.faults({ kind: 'latency', ms, ...onChange });
      await expect(completeImpatiently(payment)).rejects.toMatchObject({ code: 'remnawave_timeout' });
      expect(changes()).toBe(0);

      if (expectedChanges === 1) await until('the late change is done', () => changes() === 1);
      expect(await world.complete(payment)).toMatchObject({ completed: 1 });
      await until('all changes are done', () => changes() === expectedChanges);
      await expectOneExtension(customer, payment, target);
    },
  );
});
