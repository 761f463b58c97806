import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CryptoBotClient } from '../../clients/cryptobot/client.ts';
import { ClientPolicy } from '../../clients/policy.ts';
import { composePayments } from '../../domain/payments/compose.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import type { Result } from '../../runtime/define-task.ts';
import { runOnce } from '../../runtime/run-once.ts';
import { killedAt } from '../../testing/killed-command.ts';
import { type PaymentCustomer, type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';

/** Instead of 15 s: after this the outcome of a call to Crypto Pay is unknown. */
const LIMIT_MS = 300;

let world: PaymentWorld;
beforeAll(async () => {
  world = await paymentWorld(2);
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.reset());
// One whose time ends within the hour would be invoiced in the next test, too.
afterEach(() => {
  for (const { username } of subscribers.splice(0))
    world.panel.changeUser(username, { expireAt: Date.now() + days(90) });
});

const subscribers: PaymentCustomer[] = [];

async function subscriber(): Promise<PaymentCustomer> {
  const customer = await world.customer({ endsInMs: minutes(50) });
  subscribers.push(customer);
  await world.payment({ customerId: customer.id, hoursAgo: 700, status: 'completed', metadata: { auto_renew: true } });
  return customer;
}

const renew = () => world.app.run('auto_renew_subscriptions');

/** As the shipped task runs, with a client that gives up sooner. */
async function renewImpatiently(): Promise<Result> {
  const { app } = world.app;
  const { config, services } = app;
  const calls = { called: () => undefined, breaker: () => undefined };
  const policy = new ClientPolicy({ service: 'cryptobot', observer: calls, timeLimitMs: LIMIT_MS });
  const cryptobot = new CryptoBotClient({ token: config.CRYPTOBOT_TOKEN, baseUrl: world.cryptopay.url, policy });
  const payments = composePayments({ ...app.parts.foundation, cryptobot }, services, config);
  return await runOnce(
    'auto_renew_subscriptions',
    {},
    {
      ...app,
      services: { ...services, ...payments.services },
      middleware: app.middleware(async () => undefined),
      signal: new AbortController().signal,
      initiatedBy: 'test',
      now: new Date(),
      jobId: randomUUID(),
    },
  );
}

const query = async (text: string, ...values: unknown[]) => (await world.app.database.pool.query(text, values)).rows;

const renewal = async ({ id }: PaymentCustomer) =>
  (await query(`select * from payments where user_uuid = $1 and status = 'pending'`, id))[0];

const endClaim = async ({ id }: PaymentCustomer, at: Date) =>
  query(
    `update payments set metadata = jsonb_set(metadata::jsonb, '{worker,invoicing,until}', to_jsonb($2::text))::json
      where user_uuid = $1 and status = 'pending' and metadata #>> '{worker,invoicing,until}' is not null`,
    id,
    at.toISOString(),
  );

/** Resolves once a request is at Crypto Pay, where a latency holds it. */
const asking = () => until('Crypto Pay is asked', () => world.cryptopay.held() === 1);

/** Requests that reached Crypto Pay. */
const asked = (wanted: string) => world.cryptopay.world.calls.filter(({ method }) => method === wanted).length;

const invoicesFor = ({ id }: PaymentCustomer) =>
  world.cryptopay.world.store.list().filter(({ payload }) => payload?.startsWith(id));

/** The customer has one invoice, was told of it, and nobody of another. */
async function expectOneInvoice(customer: PaymentCustomer, at = ''): Promise<void> {
  const payment = await renewal(customer);
  const messages = await world.messages(customer);
  expect(messages, at).toHaveLength(1);
  const invoice = world.cryptopay.world.invoice(Number(payment.external_id));
  expect(messages[0]!.message, at).toContain(invoice.mini_app_invoice_url);
  expect(invoice.payload, at).toContain(payment.id);
}

test('while Crypto Pay is asked, no transaction is open and the row is not locked', async () => {
  const customer = await subscriber();
  world.cryptopay.faults({ kind: 'latency', ms: seconds(12), path: 'createInvoice', count: 1 });
  const run = renew();
  await asking();
  expect(
    await query(`select query from pg_stat_activity
                  where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()`),
  ).toEqual([]);
  expect(await query(`select id from payments where user_uuid = $1 for update nowait`, customer.id)).toHaveLength(2);
  expect(invoicesFor(customer)).toEqual([]);

  world.cryptopay.faults();
  expect(await run).toMatchObject({ invoiced: 1 });
  await expectOneInvoice(customer);
});

test('two workers at once: the second waits for the first, and asks nothing', async () => {
  const customer = await subscriber();
  world.cryptopay.faults({ kind: 'latency', ms: 1_000, path: 'createInvoice', count: 1 });
  const first = renew();
  await until('the renewal is claimed', async () => (await renewal(customer))?.metadata.worker.invoicing);
  const runs = await Promise.all([first, renew()]);
  expect(runs.map(({ invoiced }) => invoiced).toSorted()).toEqual([0, 1]);
  expect(asked('createInvoice')).toBe(1);
  expect(asked('getInvoices')).toBe(0);
  await expectOneInvoice(customer);
});

test('timed out, and the invoice is made after that: the next run finds it', async () => {
  const customer = await subscriber();
  world.cryptopay.faults({ kind: 'latency', ms: 1_500, path: 'createInvoice', count: 1 });
  await expect(renewImpatiently()).rejects.toMatchObject({ code: 'renewals_not_invoiced' });
  expect(invoicesFor(customer)).toEqual([]);

  // At once, and yet not before Crypto Pay is done with what was asked.
  expect(await renew()).toMatchObject({ invoiced: 1 });
  expect(asked('createInvoice')).toBe(1);
  expect(invoicesFor(customer)).toHaveLength(1);
  await expectOneInvoice(customer);
});

test('the claim of a dead worker holds until it ends, and is taken over then', async () => {
  const customer = await subscriber();
  world.cryptopay.faults({ kind: 'reset', path: 'createInvoice', count: 1 });
  await expect(renew()).rejects.toMatchObject({ code: 'renewals_not_invoiced' });
  const endsAt = Date.now() + seconds(2);
  await endClaim(customer, new Date(endsAt));

  expect(await renew()).toMatchObject({ invoiced: 1 });
  for (const { at } of world.cryptopay.world.calls) expect(Date.parse(at)).toBeGreaterThanOrEqual(endsAt);
  expect(asked('getInvoices')).toBe(1);
  await expectOneInvoice(customer);
});

test('no claim lasts longer than a minute, whatever is written', async () => {
  const customer = await subscriber();
  world.cryptopay.faults({ kind: 'latency', ms: 1_000, path: 'createInvoice', count: 1 });
  const run = renew();
  const payment = await until('the renewal is claimed', async () => {
    const row = await renewal(customer);
    return row?.metadata.worker.invoicing && row;
  });
  const leftMs = Date.parse(payment.metadata.worker.invoicing.until) - Date.now();
  expect(leftMs).toBeGreaterThan(seconds(50));
  expect(leftMs).toBeLessThanOrEqual(minutes(1));
  await run;

  const other = await subscriber();
  world.cryptopay.faults({ kind: 'reset', path: 'createInvoice', count: 1 });
  await expect(renew()).rejects.toMatchObject({ code: 'renewals_not_invoiced' });
  await endClaim(other, new Date(Date.now() + days(3650)));
  expect(await renew()).toMatchObject({ invoiced: 1 });
  await expectOneInvoice(other);
});

test('an answer that comes after the claim was taken over is told to nobody', async () => {
  const customer = await subscriber();
  world.cryptopay.faults({ kind: 'latency', ms: seconds(12), path: 'createInvoice', count: 1 });
  const late = renew();
  await asking();
  await endClaim(customer, new Date());
  expect(await renew()).toMatchObject({ invoiced: 1 });
  const { external_id: told } = await renewal(customer);

  world.cryptopay.faults();
  expect(await late).toMatchObject({ invoiced: 0, already: 1 });
  expect(await renewal(customer)).toMatchObject({ external_id: told });
  await expectOneInvoice(customer);
});

describe('killed at every step', () => {
  /** What the kill left behind: the row, its claim, the invoice at Crypto Pay, the end. */
  async function leftOf(customer: PaymentCustomer): Promise<string> {
    const payment = await renewal(customer);
    if (!payment) return 'nothing';
    if (payment.external_id) return 'finished';
    const claim = payment.metadata.worker.invoicing ? 'claimed' : 'inserted';
    return invoicesFor(customer).length > 0 ? `${claim}, invoice made` : claim;
  }

  test('one invoice, one message', { timeout: minutes(5) }, async () => {
    const left = new Set<string>();
    let wasKilled = true;
    for (let step = 1; wasKilled; step += 1) {
      const customer = await subscriber();
      wasKilled = await killedAt(step, ['run', 'auto_renew_subscriptions'], world.app.env);
      const state = await leftOf(customer);
      left.add(state);
      await endClaim(customer, new Date());
      await renew();
      const at = `killed at step ${step}, which left it ${state}`;
      await expectOneInvoice(customer, at);
      expect(invoicesFor(customer), at).toHaveLength(1);
      world.panel.changeUser(customer.username, { expireAt: Date.now() + days(90) });
      // Else the next runs would end this invoice, which nobody needs any more, and take ever more steps.
      await query('delete from payments where user_uuid = $1', customer.id);
    }
    expect(left).toEqual(new Set(['nothing', 'inserted', 'claimed', 'claimed, invoice made', 'finished']));
  });
});
