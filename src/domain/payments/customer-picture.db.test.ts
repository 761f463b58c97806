import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import {
  type NewCustomer,
  type PaymentCustomer,
  type PaymentToSeed,
  type PaymentWorld,
  paymentWorld,
} from '../../testing/payment-world.ts';

type Worker = Readonly<Record<string, unknown>>;
const at = (ms: number): string => new Date(ms).toISOString();
const needs = { why: 'mismatch', since: at(Date.now()) };

/** The states of a customer's money. The seed makes the payment; nothing is run. */
const STATES = {
  'paid, waits for its days': {
    seed: () => ({ metadata: { worker: { activation: 'pending', attempts: 1 } } }),
    says: 'is paid, and its days are on their way to the panel',
  },
  'promised, not in the panel yet': {
    seed: ({ username }: PaymentCustomer) => ({
      status: 'completed',
      metadata: { worker: promise(username, { activation: 'pending' }) },
    }),
    says: 'promised the time until',
  },
  'paid at Crypto Pay, not seen': { seed: () => ({ invoice: { status: 'paid' } }), says: 'is paid at Crypto Pay' },
  'completed by the backend, no mark': {
    seed: () => ({ status: 'completed', hoursAgo: 0 }),
    says: 'was completed by the backend',
  },
  'waits for a person': { seed: () => ({ metadata: { worker: { needs } } }), says: 'waits for a person (mismatch)' },
  'open, not paid': { seed: () => ({}), says: 'is open and not paid' },
  nothing: { seed: undefined, says: 'Money: no payment is on the way.' },
} as const satisfies Record<
  string,
  { seed: ((customer: PaymentCustomer) => Partial<PaymentToSeed>) | undefined; says: string }
>;
type State = keyof typeof STATES;

function promise(username: string, more: Worker): Worker {
  const basis = at(Date.now());
  return { panel_name: username, basis, target_expire_at: at(Date.now() + days(30)), recorded_at: basis, ...more };
}

/** What each asker does in the first five states, with an open invoice, and with nothing on the way. */
const EXPECTED = {
  renewal: { paid: 'silent', open: 'silent', nothing: 'asked' },
  reminder: { paid: 'silent', open: 'told', nothing: 'told' },
  ended: { paid: 'silent', open: 'told', nothing: 'told' },
  disabling: { paid: 'left on', open: 'off', nothing: 'off' },
  'queued renewal': { paid: 'obsolete', open: 'obsolete', nothing: 'sent' },
  'queued reminder': { paid: 'obsolete', open: 'sent', nothing: 'sent' },
} as const;

const expected = (asker: keyof typeof EXPECTED): Record<string, string> =>
  Object.fromEntries(
    Object.keys(STATES).map((state) => {
      const { nothing, open, paid } = EXPECTED[asker];
      return [state, state === 'nothing' ? nothing : state === 'open, not paid' ? open : paid];
    }),
  );

/** A time within each bracket. */
const BRACKETS = { '6h': hours(5), '24h': hours(20), '3d': hours(60), '7d': hours(150) } as const;

describe.each([2, 3] as const)('on a panel %i.x', (generation) => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await paymentWorld(generation, 'worker', { SAFETY_MAX_SHARE: '1' });
  });
  const people: PaymentCustomer[] = [];
  afterEach(async () => {
    for (const { username } of people.splice(0))
      world.panel.changeUser(username, { status: 'ACTIVE', expireAt: Date.now() + days(90) });
    await world.reset();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function person(subscription: NewCustomer): Promise<PaymentCustomer> {
    const customer = await world.customer(subscription);
    people.push(customer);
    return customer;
  }

  /** The payment of a state. It wishes auto-renew, as the customer's last one does. */
  async function pay(customer: PaymentCustomer, state: State) {
    const { seed } = STATES[state];
    if (!seed) return;
    const { metadata, ...fields }: Partial<PaymentToSeed> = seed(customer);
    await world.payment({ customerId: customer.id, days: 30, metadata: { auto_renew: true, ...metadata }, ...fields });
  }

  /** One customer in each state. */
  async function inEachState(subscription: NewCustomer): Promise<Map<State, PaymentCustomer>> {
    const all = new Map<State, PaymentCustomer>();
    for (const state of Object.keys(STATES) as State[]) all.set(state, await person(subscription));
    return all;
  }

  async function lastPaid(customers: Iterable<PaymentCustomer>): Promise<void> {
    for (const { id: customerId } of customers) {
      await world.payment({ customerId, hoursAgo: 2_000, status: 'completed', metadata: { auto_renew: true } });
    }
  }

  const payAll = async (all: ReadonlyMap<State, PaymentCustomer>) => {
    for (const [state, customer] of all) await pay(customer, state);
  };

  async function outcomes(all: ReadonlyMap<State, PaymentCustomer>, of: (one: PaymentCustomer) => Promise<string>) {
    const found: Record<string, string> = {};
    for (const [state, customer] of all) found[state] = await of(customer);
    return found;
  }

  const toldOf = (type: string, word: string) => async (customer: PaymentCustomer) =>
    (await world.messages(customer)).some(({ notification_type: told }) => told === type) ? word : 'silent';

  /** `sent`, or why it was not. */
  const fateOf = (type: string) => async (customer: PaymentCustomer) => {
    const { rows } = await world.app.database.pool.query(
      'select status, error_message from notification_queue where telegram_id = $1 and notification_type = $2',
      [customer.telegramId, type],
    );
    return rows[0].status === 'sent' ? 'sent' : rows[0].error_message;
  };

  const deliver = () => world.app.run('process_notification_queue');

  test('renewal: nobody who has paid, was promised time or has an open invoice is asked again', async () => {
    const all = await inEachState({ endsInMs: minutes(50) });
    await lastPaid(all.values());
    await payAll(all);
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ ending: 7, invoiced: 1, paid: 5, open: 1 });
    expect(await outcomes(all, toldOf('payment_renewal', 'asked'))).toEqual(expected('renewal'));
  });

  test.each(Object.entries(BRACKETS))('reminder %s: nobody who has paid is warned', async (bracket, endsInMs) => {
    const all = await inEachState({ endsInMs });
    await payAll(all);
    expect(await world.app.run('check_expiring_subscriptions')).toMatchObject({ reminded: 2, paid: 5, unknown: 0 });
    expect(await outcomes(all, toldOf(`reminder:${bracket}`, 'told'))).toEqual(expected('reminder'));
  });

  test('notice of the end: nobody who has paid is told that it has ended', async () => {
    const all = await inEachState({ endsInMs: -hours(1), status: 'EXPIRED' });
    await payAll(all);
    expect(await world.app.run('disable_expired_users')).toMatchObject({ told: 2, paid: 5, unknown: 0 });
    expect(await outcomes(all, toldOf('subscription_expired', 'told'))).toEqual(expected('ended'));
  });

  test('disabling: nobody who has paid is turned off', async () => {
    const all = await inEachState({ endsInMs: -hours(1) });
    await payAll(all);
    expect(await world.app.run('disable_expired_users')).toMatchObject({ disabled: 2, paid: 5, unknown: 0 });
    const state = async (customer: PaymentCustomer) => (world.user(customer).status === 'DISABLED' ? 'off' : 'left on');
    expect(await outcomes(all, state)).toEqual(expected('disabling'));
    expect(await outcomes(all, toldOf('subscription_expired', 'told'))).toEqual(expected('ended'));
  });

  test('queued renewal: obsolete once the customer has paid otherwise, and its invoice ends without a word', async () => {
    const all = await inEachState({ endsInMs: minutes(50) });
    await lastPaid(all.values());
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 7 });
    const { rows: own } = await world.app.database.pool.query(
      `select id, user_uuid, external_id from payments where metadata #>> '{worker,renewal}' is not null`,
    );
    await payAll(all);
    await deliver();
    expect(await outcomes(all, fateOf('payment_renewal'))).toEqual(expected('queued renewal'));

    world.cryptopay.faults({ kind: 'error', status: 502 });
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 0, withdrawn: 0 });
    world.cryptopay.faults();
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 0, withdrawn: 5 });
    const isOpen = (id: number) => world.cryptopay.world.store.get(id) !== undefined;
    for (const [state, customer] of all) {
      const { id, external_id: invoiceId } = own.find(({ user_uuid: owner }) => owner === customer.id);
      const isKept = state === 'nothing' || state === 'open, not paid';
      expect([(await world.row(id)).status, isOpen(Number(invoiceId))], state).toEqual(
        isKept ? ['pending', true] : ['failed', false],
      );
    }
    expect(await outcomes(all, toldOf('payment_failed', 'told'))).toEqual(
      Object.fromEntries([...all.keys()].map((state) => [state, 'silent'])),
    );
  });

  test.each(Object.entries(BRACKETS))(
    'queued reminder %s: obsolete once the customer has paid',
    async (bracket, ms) => {
      const all = await inEachState({ endsInMs: ms });
      expect(await world.app.run('check_expiring_subscriptions')).toMatchObject({ reminded: 7, paid: 0 });
      await payAll(all);
      await deliver();
      expect(await outcomes(all, fateOf(`reminder:${bracket}`))).toEqual(expected('queued reminder'));
    },
  );

  test('explain says what is on the way, and that nobody is reminded for it', async () => {
    const all = await inEachState({ endsInMs: hours(5) });
    await payAll(all);
    const { signal } = new AbortController();
    for (const [state, { username }] of all) {
      const [found] = await world.app.app.parts.explain.user(username, new Date(), signal);
      const text = found!.sentences.join('\n');
      expect(text).toContain(STATES[state].says);
      const isPaid = state !== 'nothing' && state !== 'open, not paid';
      if (isPaid) expect(text).toMatch(/Reminder 6h: .* not queued, because the customer has paid/);
      else expect(text).toContain('check_expiring_subscriptions has not run since');
    }
  });

  test('Crypto Pay away: whoever has an open invoice is left for the next run, and counted', async () => {
    const gone = await person({ endsInMs: -hours(1) });
    const expired = await person({ endsInMs: -hours(1), status: 'EXPIRED' });
    const ending = await person({ endsInMs: minutes(50) });
    await lastPaid([ending]);
    for (const one of [gone, expired, ending]) await pay(one, 'paid at Crypto Pay, not seen');
    world.cryptopay.faults({ kind: 'error', status: 502 });
    expect(await world.app.run('disable_expired_users')).toMatchObject({ disabled: 0, told: 0, paid: 0, unknown: 2 });
    expect(await world.app.run('check_expiring_subscriptions')).toMatchObject({ reminded: 0, unknown: 1 });
    expect(await world.app.run('auto_renew_subscriptions')).toMatchObject({ invoiced: 0, unknown: 1 });
    expect(world.user(gone).status).toBe('ACTIVE');
    world.cryptopay.faults();
    expect(await world.app.run('disable_expired_users')).toMatchObject({ disabled: 0, told: 0, paid: 2, unknown: 0 });
  });

  test('a payment that cannot be read leaves its customer for the next run, and nobody else', async () => {
    const [odd, other] = [await person({ endsInMs: -hours(1) }), await person({ endsInMs: -hours(1) })];
    await pay(odd, 'open, not paid');
    await world.app.database.pool.query(`update payments set updated_at = 'infinity'`);
    expect(await world.app.run('disable_expired_users')).toMatchObject({ disabled: 1, unknown: 1 });
    expect([odd, other].map((one) => world.user(one).status)).toEqual(['ACTIVE', 'DISABLED']);
  });

  test('an add-on and a gift say nothing about the time of the buyer', async () => {
    const modes = ['addon_only', 'selected_subscription_addons', 'gift_purchase'];
    for (const mode of modes) {
      const { id: customerId } = await person({ endsInMs: -hours(1) });
      const worker = { activation: 'pending' };
      await world.payment({ customerId, days: 30, metadata: { checkout_mode: mode, worker } });
    }
    expect(await world.app.run('disable_expired_users')).toMatchObject({ disabled: 3, paid: 0 });
  });

  describe('several subscriptions of one person', () => {
    /** The customer's own panel user, and a second one with a key of its own. */
    async function two(): Promise<{ own: PaymentCustomer; second: PaymentCustomer }> {
      const own = await person({ endsInMs: -hours(1) });
      const second = await person({ endsInMs: -hours(1), account: false, telegramId: own.telegramId });
      const ref = ({ panelId, uuid }: PaymentCustomer) => (generation === 2 ? uuid : String(panelId));
      for (const [of, scope, key] of [
        [own, 'account', null],
        [second, 'subscription', 'grant:2'],
      ] as const) {
        await world.app.database.pool.query(
          `insert into service_identities (id, service_key, customer_account_id, provider_name, provider_subject_ref,
                                           identity_scope, subscription_key, identity_status, auth_realm_id)
           values ($1, gen_random_uuid()::text, $2, 'remnawave', $3, $4, $5, 'active', $1)`,
          [randomUUID(), own.id, ref(of), scope, key],
        );
      }
      return { own, second };
    }

    test.each([
      ['by its key', () => ({ target_subscription_key: 'grant:2', worker: { activation: 'pending' } }), 'second'],
      [
        'by its name',
        (second: PaymentCustomer) => ({ worker: promise(second.username, { activation: 'pending' }) }),
        'second',
      ],
      ['by the account', () => ({ worker: { activation: 'pending' } }), 'own'],
    ] as const)('a payment for one of them, %s, says nothing about the other', async (_, metadata, paid) => {
      const { own, second } = await two();
      await world.payment({ customerId: own.id, days: 30, metadata: metadata(second) });
      expect(await world.app.run('disable_expired_users')).toMatchObject({ disabled: 1, paid: 1 });
      const statuses = { own: world.user(own).status, second: world.user(second).status };
      const off = paid === 'own' ? 'second' : 'own';
      expect(statuses).toEqual({ [paid]: 'ACTIVE', [off]: 'DISABLED' });
    });
  });

  // The last one: it opens the breaker of the panel.
  test('queued reminder while the panel is away: the row itself says for whom it is', async () => {
    const all = await inEachState({ endsInMs: hours(5) });
    await world.app.run('check_expiring_subscriptions');
    await payAll(all);
    world.panel.faults({ kind: 'error', status: 503 });
    await deliver();
    expect(await outcomes(all, fateOf('reminder:6h'))).toEqual(expected('queued reminder'));
  });
});
