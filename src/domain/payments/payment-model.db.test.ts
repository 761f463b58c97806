import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signBody } from '../../clients/cryptobot/webhook.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import { type PaymentCustomer, type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

/** Orders are this old, so that the time of Crypto Pay's own webhook is over. */
const AGE_MS = minutes(6);
const REST_MS = minutes(50);
const DAYS = { new_purchase: 30, upgrade: 60, gift_purchase: 90, addon_only: 365 } as const;
type Mode = keyof typeof DAYS;

type Ordered = {
  id: string;
  invoiceId: string;
  mode: Mode;
  createdAt: number;
  isPaid: boolean;
  isFirstByBackend: boolean;
};

/** What the customer ordered and paid. */
type Model = { orders: Ordered[]; isUpgraded: boolean };
type Real = { world: PaymentWorld; customer: PaymentCustomer };
type Step = fc.AsyncCommand<Model, Real>;

const step = (name: string, run: (model: Model, real: Real) => Promise<unknown>, check = (_: Model) => true): Step => ({
  check,
  run: async (model, real) => void (await run(model, real)),
  toString: () => name,
});

const pick = ({ orders }: Model, n: number): Ordered | undefined => orders[n % Math.max(1, orders.length)];
const some = ({ orders }: Model): boolean => orders.length > 0;
const tryComplete = (world: PaymentWorld, { id }: { id: string }) => world.complete({ id }).catch(() => undefined);

const order = (mode: Mode) =>
  step(`order ${mode}`, async ({ orders }, { customer, world }) => {
    const createdAt = Date.now() - AGE_MS;
    const seed = {
      customerId: customer.id,
      days: DAYS[mode],
      metadata: { checkout_mode: mode },
      hoursAgo: AGE_MS / hours(1),
    };
    orders.push({ ...(await world.payment(seed)), mode, createdAt, isPaid: false, isFirstByBackend: false });
  });

const pay = (n: number) => step(`pay ${n}`, async (model, { world }) => payOrder(world, pick(model, n)!), some);

async function payOrder({ cryptopay }: PaymentWorld, ordered: Ordered): Promise<void> {
  if (ordered.isPaid) return;
  ordered.isPaid = true;
  await cryptopay.world.pay(Number(ordered.invoiceId), { webhook: false });
  cryptopay.world.spoil(Number(ordered.invoiceId), { paid_at: new Date(Date.now() - minutes(5)).toISOString() });
}

/** Crypto Pay's own webhook reaches the backend. Nothing of ours runs meanwhile: it comes within seconds of the payment. */
const webhook = (n: number) =>
  step(
    `webhook ${n}`,
    async (model, { world }) => {
      const ordered = pick(model, n)!;
      await payOrder(world, ordered);
      const isPending = (await world.row(ordered.id)).status === 'pending';
      const claimed = (await world.row(ordered.id)).metadata.worker?.activation !== undefined;
      const body = JSON.stringify({ update_type: 'invoice_paid', payload: { invoice_id: Number(ordered.invoiceId) } });
      const headers = { 'crypto-pay-api-signature': signBody(Buffer.from(body), world.cryptopay.token) };
      await fetch(`${world.backend!.url}/api/v1/webhooks/cryptobot`, { method: 'POST', body, headers }).catch(
        () => undefined,
      );
      // A webhook that met trouble on its way has done nothing.
      ordered.isFirstByBackend ||= isPending && !claimed && (await world.row(ordered.id)).status !== 'pending';
    },
    some,
  );

/** As the queue, the API or a re-post begins it. */
const complete = (n: number) =>
  step(`complete ${n}`, async (model, { world }) => tryComplete(world, pick(model, n)!), some);

const completeAll = step(
  'complete all at once',
  async ({ orders }, { world }) =>
    Promise.all(orders.flatMap((one) => [tryComplete(world, one), tryComplete(world, one)])),
  some,
);

const verify = step('verify', async (_, { world }) => world.app.run('verify_pending_payments').catch(() => undefined));

const later = step('verify an hour later', async (_, { world }) =>
  world.app.run('verify_pending_payments', {}, { now: new Date(Date.now() + hours(1)) }).catch(() => undefined),
);

/** The renewal of this customer, which ends within the hour. Its payment is an order like the others. */
const renew = step('renew', async ({ orders }, { customer, world }) => {
  await world.app.run('auto_renew_subscriptions').catch(() => undefined);
  const query = `select id, external_id from payments where user_uuid = $1 and external_id is not null and metadata #>> '{worker,renewal}' is not null`;
  const { rows } = await world.app.database.pool.query<{ id: string; external_id: string }>(query, [customer.id]);
  for (const { external_id: invoiceId, id } of rows) {
    if (orders.some((one) => one.id === id)) continue;
    orders.push({ id, invoiceId, mode: 'new_purchase', createdAt: Date.now(), isPaid: false, isFirstByBackend: false });
  }
});

/** The next request dies before it is done, or after: to the row that is what a kill at that point leaves. */
const trouble = (where: 'panel' | 'backend' | 'cryptopay', kind: 'error' | 'reset' | 'cut_after') =>
  step(`${where}: ${kind}`, async (_, { world }) => void world[where]?.faults({ kind, count: 1 }));

/** In place, from 2.7.4 to 3.3.2: users lose their uuids and keep their names. */
const upgrade = step(
  'upgrade the panel',
  async (model, { world }) => {
    world.panel.upgrade();
    model.isUpgraded = true;
  },
  ({ isUpgraded }) => !isUpgraded,
);

const index = fc.nat({ max: 4 });
const steps = (generation: 2 | 3, mode: 'worker' | 'backend') => [
  ...(generation === 2 ? [fc.constant(upgrade)] : []),
  fc.constantFrom(...(Object.keys(DAYS) as Mode[])).map(order),
  fc.constant(order('new_purchase')),
  index.map(pay),
  ...(mode === 'backend' ? [index.map(webhook)] : []),
  index.map(complete),
  fc.constantFrom(completeAll, verify, later, renew),
  fc
    .tuple(
      fc.constantFrom('panel' as const, 'backend' as const, 'cryptopay' as const),
      fc.constantFrom('error' as const, 'reset' as const, 'cut_after' as const),
    )
    .map(([where, kind]) => trouble(where, kind)),
];

describe.each([
  [2, 'worker'],
  [3, 'worker'],
  [2, 'backend'],
  [3, 'backend'],
] as const)('any interleaving, panel %i.x, settled by the %s', (generation, mode) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(generation, mode, {}, { workMs: 0 });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('the end is what was bought, money moves once, and each payment is told once', {
    timeout: 240_000,
  }, async () => {
    const commands = fc.commands(steps(generation, mode), { size: 'medium', maxCommands: 14 });
    const runs = Number(process.env.MODEL_RUNS ?? 8);
    await fc.assert(
      fc.asyncProperty(commands, async (given) => {
        await world.reset();
        const customer = await world.customer({ endsInMs: REST_MS, tag: 'AUTO_RENEW' });
        await world.payment({ customerId: customer.id, hoursAgo: 700, status: 'completed', invoice: 'none' });
        const before = world.user(customer).expireAt;
        const model: Model = { orders: [], isUpgraded: false };
        await fc.asyncModelRun(() => ({ model, real: { customer, world } }), given);
        await comeToRest(model);
        await check(model, customer, before);
        if (model.isUpgraded) world.panel.restore();
      }),
      { numRuns: runs, endOnFailure: true },
    );
  });

  /** Everybody answers again, claims of killed runs run out, and verification hands over the rest. */
  async function comeToRest({ orders }: Model): Promise<void> {
    for (const one of [world.panel, world.cryptopay, world.backend]) one?.faults();
    for (let round = 0; round < 3; round += 1) {
      await world.app.run('verify_pending_payments');
      for (const one of orders) {
        await world.letClaimRunOut(one.id);
        await tryComplete(world, one);
      }
    }
  }

  async function check({ orders }: Model, customer: PaymentCustomer, before: number): Promise<void> {
    const paid = orders.filter(({ isPaid }) => isPaid);
    const gifts = (one: Ordered): boolean => one.mode === 'gift_purchase' && mode === 'worker';
    const ends = endsOf(paid, before);
    const end = world.user(customer).expireAt;
    expect(
      ends.some((expected) => Math.abs(end - expected) < minutes(2)),
      `${new Date(end).toISOString()}, not one of ${ends.map((one) => new Date(one).toISOString())}`,
    ).toBe(true);
    const messages = await world.messages(customer);
    const receipts = messages.filter(({ notification_type: type }) => type === 'payment_received');
    const told = paid.filter((one) => !gifts(one) && !(one.isFirstByBackend && isNoTime(one)));
    expect(receipts).toHaveLength(told.length);
    for (const one of orders) {
      const { status } = await world.row(one.id);
      expect(status).toBe(one.isPaid && !gifts(one) ? 'completed' : 'pending');
      if (world.backend) expect(world.backend.sideEffects.get(one.id) ?? 0).toBe(one.isPaid ? 1 : 0);
    }
  }
});

const isNoTime = ({ mode }: Ordered): boolean => mode === 'gift_purchase' || mode === 'addon_only';

/** The ends that the paid orders may lead to, by the order in which they are given: an upgrade is not stacked on what was before it. */
function endsOf(paid: readonly Ordered[], before: number): number[] {
  const ends = new Set<number>();
  const give = (left: readonly Ordered[], end: number): void => {
    if (left.length === 0) ends.add(end);
    for (const one of left) {
      const given =
        one.mode === 'upgrade' ? Math.max(end, one.createdAt + days(DAYS.upgrade)) : end + days(DAYS[one.mode]);
      give(
        left.filter((other) => other !== one),
        given,
      );
    }
  };
  give(
    paid.filter((one) => !isNoTime(one)),
    before,
  );
  return [...ends];
}
