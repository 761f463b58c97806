import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signBody } from '../../clients/cryptobot/webhook.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import {
  type PaymentCustomer,
  type PaymentWorld,
  paymentWorld,
  type SeededPayment,
} from '../../testing/payment-world.ts';

/** The order was made 6 minutes before the test and paid at once. */
const CREATED_AGO = minutes(6);
const BOUGHT = 30;
/** The customer's time before the payment. */
const REST = days(3);

/** What the buyer's end becomes: bought days after the rest, or after the order, or nothing at all. */
type Expected = 'rest + days' | 'order + days' | 'rest';
type Mode = { mode: string | null; key?: true; expected: Expected; outcome?: string };

const MODES: readonly Mode[] = [
  { mode: null, expected: 'rest + days' },
  { mode: 'new_purchase', expected: 'rest + days' },
  { mode: 'order_payment_attempt', expected: 'rest + days' },
  { mode: 'upgrade', expected: 'order + days' },
  { mode: 'selected_subscription_upgrade', key: true, expected: 'order + days' },
  { mode: 'selected_subscription_addons', key: true, expected: 'rest' },
  { mode: 'addon_only', expected: 'rest' },
  { mode: 'gift_purchase', expected: 'rest' },
  { mode: 'something_new', expected: 'rest', outcome: 'asked' },
];

/** The side that takes the row from `pending` to `completed`. */
const TELLERS = ['us', 'the backend first', 'both at once'] as const;
const OWNED = ['one', 'none', 'several'] as const;

describe.each([2, 3] as const)('what was bought decides on the end, panel %i.x', (generation) => {
  let world: PaymentWorld;
  let told: PaymentWorld;
  beforeAll(async () => {
    [world, told] = await Promise.all([paymentWorld(generation), paymentWorld(generation, 'backend')]);
  });
  afterAll(async () => {
    await Promise.all([world[Symbol.asyncDispose](), told[Symbol.asyncDispose]()]);
  });

  const cases = MODES.flatMap((mode) => TELLERS.flatMap((by) => OWNED.map((owned) => ({ ...mode, by, owned }))));

  test.each(cases)(
    '$mode, completed by $by, panel users: $owned',
    async ({ expected, key, mode, by, outcome, owned }) => {
      const at = by === 'both at once' ? told : world;
      const target = key && `grant:${randomUUID()}`;
      const customer = await buyer(at, owned, target);
      const metadata = {
        ...(mode !== null && { checkout_mode: mode }),
        ...(target && { target_subscription_key: target }),
      };
      const status = by === 'the backend first' ? 'completed' : 'pending';
      const createdAt = Date.now() - CREATED_AGO;
      const hoursAgo = CREATED_AGO / hours(1);
      const payment = await at.payment({
        ...{ customerId: customer.id, days: BOUGHT, metadata, status, hoursAgo },
        invoice: { status: 'paid', paidAt: new Date(createdAt) },
      });
      const before = at.user(customer).expireAt;

      if (by === 'both at once') await Promise.all([run(at, payment), webhook(at, payment)]);
      else await run(at, payment);
      await run(at, payment);

      const ends = {
        'rest + days': before + days(BOUGHT),
        'order + days': createdAt + days(BOUGHT),
        rest: before,
      };
      const isGiven = owned === 'one' && expected !== 'rest';
      expect(Math.abs(at.user(customer).expireAt - ends[isGiven ? expected : 'rest'])).toBeLessThan(minutes(1));
      const { metadata: { worker } = {} as never } = await at.row(payment.id);
      if (outcome === 'asked') expect(worker.needs.why).toBe('unknown_purchase');
      else if (expected !== 'rest' && owned === 'several') expect(worker.needs.why).toBe('unresolved');
      else if (isGiven) expect(worker).toMatchObject({ activation: 'done', panel_name: customer.username });
      const receipts = (await at.messages(customer)).filter(
        ({ notification_type: type }) => type === 'payment_received',
      );
      expect(receipts.length).toBeLessThanOrEqual(1);
      if (isGiven) expect(receipts).toHaveLength(1);
    },
  );

  const run = (at: PaymentWorld, payment: SeededPayment) => at.complete(payment).catch(() => undefined);

  /** Crypto Pay's own webhook at the backend. */
  async function webhook({ backend, cryptopay }: PaymentWorld, { invoiceId }: SeededPayment): Promise<void> {
    const body = JSON.stringify({ update_type: 'invoice_paid', payload: { invoice_id: Number(invoiceId) } });
    const headers = { 'crypto-pay-api-signature': signBody(Buffer.from(body), cryptopay.token) };
    await fetch(`${backend!.url}/api/v1/webhooks/cryptobot`, { method: 'POST', body, headers });
  }

  /** The customer's panel users, as the platform knows them; the first is the one that may be extended. */
  async function buyer(
    at: PaymentWorld,
    owned: (typeof OWNED)[number],
    key: string | undefined,
  ): Promise<PaymentCustomer> {
    const customer = await at.customer({ endsInMs: REST, linked: owned === 'one' && !key });
    const link = (panelUser: string, scope: string) =>
      at.app.database.pool.query(
        `insert into service_identities (id, service_key, customer_account_id, provider_name, provider_subject_ref,
                                         identity_scope, subscription_key, identity_status, auth_realm_id)
         values ($1, gen_random_uuid()::text, $2, 'remnawave', $3, $4, $5, 'active', $1)`,
        [randomUUID(), customer.id, panelUser, scope, scope === 'subscription' ? key : null],
      );
    const name = ({ username, uuid }: PaymentCustomer) => (generation === 2 ? uuid : username);
    if (owned === 'one' && key) await link(name(customer), 'subscription');
    if (owned === 'none')
      await at.app.database.pool.query(`update mobile_users set username = null, telegram_id = null where id = $1`, [
        customer.id,
      ]);
    if (owned === 'several') {
      const second = await at.customer({ endsInMs: REST, account: false, linked: false });
      for (const one of [customer, second]) await link(name(one), key ? 'subscription' : 'account');
    }
    return customer;
  }
});
