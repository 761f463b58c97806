import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cryptobotWebhook } from '../../app/doors/cryptobot-webhook.ts';
import { signBody } from '../../clients/cryptobot/webhook.ts';
import { days } from '../../lib/duration.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { buildServer } from './server.ts';

let world: PaymentWorld;
let server: FastifyInstance;

beforeAll(async () => {
  world = await paymentWorld(2);
  const metrics = { render: async () => '', basicAuth: undefined };
  server = await buildServer({ health: {}, metrics, cryptobotWebhook: cryptobotWebhook(world.app.app) });
});
afterAll(async () => {
  await server.close();
  await world[Symbol.asyncDispose]();
});

const text = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e999',
    'null',
    '__proto__',
    "'; drop table payments; --",
    '\u0000',
    '🙂',
    '9'.repeat(400),
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(null, [], {}, true, -1, 1e308));

type Fields = Record<string, unknown>;

/** An update that Crypto Pay sends about an existing payment. */
function updateOf(invoiceId: number, type: string): { update: Fields; invoice: Fields } {
  const invoice: Fields = {
    ...{ invoice_id: invoiceId, hash: 'h', currency_type: 'fiat', fiat: 'USD', amount: '10', status: 'paid' },
    ...{
      bot_invoice_url: 'https://t.me/x',
      created_at: '2026-11-23T09:00:00.000Z',
      paid_at: '2026-11-23T09:01:00.000Z',
    },
  };
  const head: Fields = { update_id: 7, update_type: type, request_date: '2026-11-23T10:00:00.000Z' };
  return { update: { ...head, payload: invoice }, invoice };
}

/** The same update with one field spoilt at any place, or whole. */
const nearly = (invoiceId: number) =>
  fc
    .tuple(fc.option(fc.tuple(fc.nat(), value)), fc.constantFrom('invoice_paid', 'invoice_expired', 'check_activated'))
    .map(([spoilt, type]) => {
      const { invoice, update } = updateOf(invoiceId, type);
      const [place, other] = spoilt ?? [0, update.update_id];
      const object = place % 3 === 0 ? update : invoice;
      object[Object.keys(object)[place % Object.keys(object).length]!] = other;
      return Buffer.from(JSON.stringify(update));
    });

const body = (invoiceId: number) =>
  fc.oneof(
    { weight: 4, arbitrary: nearly(invoiceId) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.json().map((json) => Buffer.from(json)) },
  );

/** Not a media type: the server refuses it before it looks at anything else. */
const NO_TYPE = 'x';

/** Text that a header can hold. */
const headerText = fc.string({ maxLength: 100 }).map((chars) => chars.replaceAll(/[^\x20-\x7e]/g, '?'));
const contentTypes = fc.constantFrom(
  'application/json',
  'text/plain',
  'multipart/form-data',
  'application/x-www-form-urlencoded',
  '*/*',
  NO_TYPE,
);

const post = async (payload: Buffer, headers: Record<string, string>) =>
  (await server.inject({ method: 'POST', url: '/webhooks/cryptobot', payload, headers })).statusCode;
const jobs = async () =>
  await world.app.app.queues.get('payments').getJobCountByTypes('waiting', 'active', 'delayed', 'completed');

test('without a right signature nothing is more than 401, whatever body and headers, and nothing is activated', async () => {
  const customer = await world.customer({ endsInMs: days(3) });
  const payment = await world.payment({ customerId: customer.id });
  await fc.assert(
    fc.asyncProperty(
      body(Number(payment.invoiceId)),
      fc.oneof(fc.constant(undefined), headerText, fc.stringMatching(/^[0-9a-f]{64}$/)),
      contentTypes,
      async (bytes, signature, type) => {
        const headers = {
          'content-type': type,
          ...(signature !== undefined && { 'crypto-pay-api-signature': signature }),
        };
        expect(await post(bytes, headers)).toBe(type === NO_TYPE ? 415 : 401);
      },
    ),
    { numRuns: 200 },
  );
  expect(await jobs()).toBe(0);
  expect((await world.row(payment.id)).status).toBe('pending');
});

test.each(['a\0b', '\uD800', '\uDC00\uD800', '\0'])(
  'a text that PostgreSQL refuses, %j, is noted in a form that it takes, wherever it stands',
  async (odd) => {
    for (const spoil of ['type', 'status', 'hash']) {
      const { invoice, update } = updateOf(4_000_001, spoil === 'type' ? odd : 'invoice_expired');
      invoice[spoil] = odd;
      const bytes = Buffer.from(JSON.stringify(update));
      const signature = signBody(bytes, world.cryptopay.token);
      expect([200, 400]).toContain(await post(bytes, { 'crypto-pay-api-signature': signature }));
    }
  },
);

test('rightly signed, a body is 200 or 400 by what it says, and only a whole "invoice paid" becomes a job', async () => {
  const customer = await world.customer({ endsInMs: days(3) });
  const payment = await world.payment({ customerId: customer.id });
  const before = world.user(customer).expireAt;
  await fc.assert(
    fc.asyncProperty(body(Number(payment.invoiceId)), contentTypes, async (bytes, type) => {
      const had = await jobs();
      const signature = signBody(bytes, world.cryptopay.token);
      const status = await post(bytes, { 'content-type': type, 'crypto-pay-api-signature': signature });
      expect(type === NO_TYPE ? [415] : [200, 400]).toContain(status);
      if (status !== 200 || !bytes.includes('"invoice_paid"')) expect(await jobs()).toBe(had);
    }),
    { numRuns: 200 },
  );
  // Its payment came many times, spoilt and whole, and comes again: it is paid once.
  await world.worker();
  await world.quiet();
  const whole = Buffer.from(JSON.stringify(updateOf(Number(payment.invoiceId), 'invoice_paid').update));
  expect(await post(whole, { 'crypto-pay-api-signature': signBody(whole, world.cryptopay.token) })).toBe(200);
  await world.quiet();
  expect(world.user(customer).expireAt).toBe(before + days(30));
  expect(await world.audits(payment.id)).toHaveLength(1);
});
