import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { httpContext } from '../app/doors/http.ts';
import { days, hours } from '../lib/duration.ts';
import type { Locale } from '../lib/locale.ts';
import { buildServer } from '../triggers/http/server.ts';
import {
  type PaymentCustomer,
  type PaymentWorld,
  paymentWorld,
  type SeededPayment,
  type SettlementMode,
} from './payment-world.ts';

/** A payment that waits for a person, and its buyer's end in the panel before any days. */
export type StuckPayment = { customer: PaymentCustomer; payment: SeededPayment; before: number };

/** The ways of `NEEDS` in which a payment of 30 days gets stuck, made as they come about in life. */
export type StuckKind =
  | 'mismatch'
  | 'unresolved, none'
  | 'unresolved, several'
  | 'in_vain, failed before'
  | 'in_vain, invoice taken twice'
  | 'given_or_not'
  | 'unknown_purchase'
  | 'gift_waits'
  | 'not_active'
  | 'unfinished';

export type DeskReply = { status: number; body: Record<string, never> & { outcome?: string; detail?: string } };

/** A page, or the pieces of one. */
export type PageReply = { status: number; body: string };

/** A payment world with the API of the payments desk, for two admins. */
export interface DeskWorld extends AsyncDisposable {
  readonly world: PaymentWorld;
  readonly server: FastifyInstance;
  /** Seeds a payment and lets the worker find that it needs a person. */
  stuck(kind: StuckKind): Promise<StuckPayment>;
  get(path: string, admin?: 'olga' | 'ivan'): Promise<DeskReply>;
  act(payment: SeededPayment, act: string, body?: object, admin?: 'olga' | 'ivan'): Promise<DeskReply>;
  /** A page of the console, and a form of one sent as its script does. */
  open(url: string, locale?: Locale): Promise<PageReply>;
  submit(url: string, fields: Readonly<Record<string, string>>, admin?: 'olga' | 'ivan'): Promise<PageReply>;
}

/** Built once per test file. */
export async function deskWorld(
  generation: 2 | 3,
  mode: SettlementMode = 'worker',
  more: Readonly<Record<string, string>> = {},
): Promise<DeskWorld> {
  const stack = new AsyncDisposableStack();
  const tokens = { olga: randomBytes(16).toString('hex'), ivan: randomBytes(16).toString('hex') };
  const environment = { ...more, API_TOKENS: `olga:${tokens.olga},ivan:${tokens.ivan}` };
  const world = stack.use(await paymentWorld(generation, mode, environment));
  const server = await buildServer({
    health: {},
    metrics: { render: async () => 'up 1\n', basicAuth: undefined },
    operations: httpContext(world.app.app)!,
  });
  stack.defer(() => server.close());
  await server.ready();

  async function call(method: 'GET' | 'POST', url: string, body: object | undefined, admin: 'olga' | 'ivan') {
    const headers = { authorization: `Bearer ${tokens[admin]}` };
    const response = await server.inject({ method, url, headers, ...(body && { payload: body }) });
    return { status: response.statusCode, body: response.json<DeskReply['body']>() };
  }

  return {
    world,
    server,
    stuck: (kind) => STUCK[kind](world),
    get: (path, admin = 'olga') => call('GET', `/api/v1/payments${path}`, undefined, admin),
    async open(url, locale = 'en') {
      const headers = { authorization: `Bearer ${tokens.olga}`, accept: 'text/html', 'accept-language': locale };
      const { body, statusCode } = await server.inject({ method: 'GET', url, headers });
      return { status: statusCode, body };
    },
    async submit(url, fields, admin = 'olga') {
      const { body, statusCode } = await server.inject({
        method: 'POST',
        url,
        headers: {
          ...{ authorization: `Bearer ${tokens[admin]}`, accept: 'text/html', 'accept-language': 'en' },
          ...{ 'hx-request': 'true', 'content-type': 'application/x-www-form-urlencoded' },
        },
        payload: new URLSearchParams(fields).toString(),
      });
      return { status: statusCode, body };
    },
    act: ({ id }, act, body, admin = 'olga') => call('POST', `/api/v1/payments/${id}/${act}`, body, admin),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Seed = Parameters<PaymentWorld['payment']>[0];

/** A customer whose time is over in 3 days, and a payment of theirs that the worker has looked at. */
async function lookedAt(
  world: PaymentWorld,
  seed: Omit<Seed, 'customerId'>,
  endsInMs = days(3),
): Promise<StuckPayment> {
  const customer = await world.customer({ endsInMs });
  const before = world.user(customer).expireAt;
  const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' }, ...seed });
  await world.complete(payment);
  return { customer, payment, before };
}

/** A paying customer of whom the platform knows no name, no link and no chat: nothing says which panel user is theirs. */
async function nameless(world: PaymentWorld, telegramId: number | null): Promise<StuckPayment> {
  const customer = await world.customer({ endsInMs: days(3), linked: false });
  const query = 'update mobile_users set username = null, telegram_id = $2 where id = $1';
  await world.app.database.pool.query(query, [customer.id, telegramId]);
  const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
  await world.complete(payment);
  return { customer, payment, before: world.user(customer).expireAt };
}

const STUCK: Readonly<Record<StuckKind, (world: PaymentWorld) => Promise<StuckPayment>>> = {
  mismatch: (world) => lookedAt(world, { invoice: { status: 'paid', amount: '11' } }),
  'unresolved, none': (world) => nameless(world, null),
  async 'unresolved, several'(world) {
    const other = await world.customer({ endsInMs: days(5), account: false });
    const query = 'update mobile_users set username = null where id = $1';
    const customer = await world.customer({ endsInMs: days(3), linked: false, telegramId: other.telegramId });
    await world.app.database.pool.query(query, [customer.id]);
    const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
    await world.complete(payment);
    return { customer, payment, before: world.user(customer).expireAt };
  },
  'in_vain, failed before': (world) => lookedAt(world, { status: 'failed' }),
  async 'in_vain, invoice taken twice'(world) {
    const { customer, payment: first } = await lookedAt(world, {});
    const { invoiceId } = first;
    const before = world.user(customer).expireAt;
    const payment = await world.payment({ customerId: customer.id, days: 30, invoiceId, invoice: { status: 'paid' } });
    await world.complete(payment);
    return { customer, payment, before };
  },
  // Forty days are left: nobody can tell them from the thirty that were bought.
  given_or_not: (world) => lookedAt(world, { status: 'completed', hoursAgo: 0 }, days(40)),
  unknown_purchase: (world) => lookedAt(world, { metadata: { checkout_mode: 'season_pass' } }),
  async gift_waits(world) {
    const stuck = await lookedAt(world, { metadata: { checkout_mode: 'gift_purchase' }, invoice: {}, hoursAgo: 1 });
    const invoice = world.cryptopay.world.store.get(Number(stuck.payment.invoiceId))!;
    Object.assign(invoice, { status: 'paid', paid_at: new Date(Date.now() - hours(1)).toISOString() });
    await world.complete(stuck.payment);
    return stuck;
  },
  async not_active(world) {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const payment = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
    // The change of the user fails: the third call about users, after two readings.
    world.panel.faults({ kind: 'error', status: 503, path: '/api/users', rate: 0.334, count: 1 });
    await world.app.run('process_payment_completion', { payment_id: payment.id }, { attempt: 4 }).then(
      () => Promise.reject(new Error('the panel took the change')),
      () => undefined,
    );
    world.panel.faults();
    return { customer, payment, before };
  },
  async unfinished(world) {
    const customer = await world.customer({ endsInMs: days(3) });
    const payment = await world.payment({
      ...{ customerId: customer.id, days: 30, hoursAgo: 100, status: 'completed' },
      invoice: { status: 'paid' },
    });
    const told = { initiatedBy: 'taskiq', enqueuedAt: new Date(Date.now() - hours(101)) };
    await world.app.run('process_payment_completion', { payment_id: payment.id }, told);
    return { customer, payment, before: world.user(customer).expireAt };
  },
};
