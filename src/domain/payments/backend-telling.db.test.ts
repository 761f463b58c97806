import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BackendSandbox } from '../../../sandbox/backend/server.ts';
import { type LoopbackServer, serveOnLoopback } from '../../../sandbox/loopback-server.ts';
import { BackendClient } from '../../clients/backend.ts';
import { signBody } from '../../clients/cryptobot/webhook.ts';
import { type BreakerState, type ClientCall, ClientPolicy } from '../../clients/policy.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { errorCode, SnoozeError } from '../../lib/errors.ts';
import { BackendPace } from '../../repositories/redis/payments/backend-pace.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';
import { settleThroughBackend } from './backend-settlement.ts';
import { BackendTelling } from './backend-telling.ts';
import type { PaymentSettlement } from './settlement.ts';
import { TellingClaims } from './telling-claims.ts';

const never = new AbortController().signal;
const GRACE_MS = minutes(2);

let world: PaymentWorld;
let backend: BackendSandbox;
let customerId: string;

beforeAll(async () => {
  world = await paymentWorld(2, 'backend', {}, { limit: { requests: 1e9, windowMs: 60_000 }, workMs: 3 });
  backend = world.backend!;
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.reset();
  customerId = (await world.customer({ endsInMs: minutes(1) })).id;
  await sql('insert into wallets (user_id, balance) values ($1, 1000000)', [customerId]);
});

const sql = async (query: string, values: unknown[]) => (await world.app.database.pool.query(query, values)).rows;

type Teller = PaymentSettlement & { breaker(): BreakerState; calls: readonly ClientCall[] };

/** The part of one worker process that tells the backend, with a breaker of its own. */
function teller(url = backend.url, callMs = seconds(30)): Teller {
  const { database, parts, services } = world.app.app;
  const calls: ClientCall[] = [];
  let breaker: BreakerState = 'closed';
  const observer = {
    called: (call: ClientCall) => void calls.push(call),
    breaker(_: string, state: BreakerState) {
      breaker = state;
    },
  };
  const { notifications, payments } = services;
  const policy = new ClientPolicy({ service: 'backend', observer, timeLimitMs: seconds(40) });
  const telling = new BackendTelling({
    backend: new BackendClient({ baseUrl: url, callMs, cryptobotToken: world.cryptopay.token, policy }),
    claims: new TellingClaims(database, payments, GRACE_MS),
    pace: new BackendPace({
      redis: parts.foundation.redis,
      everyMs: 1,
      onFallback(error) {
        throw error;
      },
    }),
    payments,
  });
  const settlement = settleThroughBackend({ telling, payments, notifications });
  return { ...settlement, calls, breaker: () => breaker };
}

/** A payment that counts as paid, five of its price by the wallet. */
async function claimed(agoMs: number | 'unknown' = minutes(3)) {
  const paid = agoMs === 'unknown' ? {} : { paid_at: new Date(Date.now() - agoMs).toISOString() };
  const metadata = { worker: { activation: 'pending', ...paid } };
  const { id } = await world.payment({ customerId, metadata, walletUsed: '5', invoiceId: nextInvoice() });
  return (await world.app.app.services.payments.find(id))!;
}

let invoices = 0;
function nextInvoice(): string {
  invoices += 1;
  return String(invoices);
}

type Claimed = Awaited<ReturnType<typeof claimed>>;

const debits = async (id: string) =>
  (await sql('select 1 from wallet_transactions where reference_id = $1', [id])).length;

const tellings = (id: string) =>
  sql(`select metadata #>> '{worker,telling,by}' as by from payments where id = $1`, [id]);

/** Tells as the queue does: again after each snooze, here without its delay. */
async function untilTold(settlement: PaymentSettlement, payment: Claimed): Promise<void> {
  const { error } = await until('it is told', () =>
    settlement.paid(payment, never).then(
      () => ({ error: undefined }),
      (thrown: unknown) => !(thrown instanceof SnoozeError) && { error: thrown },
    ),
  );
  if (error !== undefined) throw error;
}

/** Crypto Pay's own webhook. */
async function webhook({ invoiceId }: Claimed): Promise<void> {
  const body = Buffer.from(
    JSON.stringify({ update_id: 1, update_type: 'invoice_paid', payload: { invoice_id: Number(invoiceId) } }),
  );
  await fetch(`${backend.url}/api/v1/webhooks/cryptobot`, {
    method: 'POST',
    headers: { connection: 'close', 'crypto-pay-api-signature': signBody(body, world.cryptopay.token) },
    body: new Uint8Array(body),
  });
}

/** The claim of a run that dies right after it. */
async function claim({ id }: Claimed): Promise<void> {
  const { database, services } = world.app.app;
  const taken = await new TellingClaims(database, services.payments, GRACE_MS).take(id, new Date(0));
  expect(taken).toHaveProperty('by');
}

/** Rounds of telling. `TELLING_ROUNDS=1000` looks for what is rarer. */
const ROUNDS = Number(process.env.TELLING_ROUNDS ?? 100);

/** Does `work` for so many rounds, some of them at the same time. */
async function rounds(count: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

describe('one of ours at a time', () => {
  test('poll, webhook retry, API and TaskIQ at once, many rounds at a backend that locks nothing: told once each', {
    timeout: minutes(10),
  }, async () => {
    const tellers = [teller(), teller(), teller(), teller()];
    await rounds(ROUNDS, async () => {
      const payment = await claimed();
      await Promise.all(tellers.map((one) => untilTold(one, payment)));
    });
    expect(backend.told).toHaveLength(ROUNDS);
    expect([...backend.sideEffects.values()].every((times) => times === 1)).toBe(true);
    const twice = await sql('select reference_id from wallet_transactions group by 1 having count(*) > 1', []);
    expect(twice).toEqual([]);
    expect(tellers.map((one) => one.breaker())).toEqual(Array.from(tellers, () => 'closed'));
  });

  test("Crypto Pay's own webhook within its usual seconds, many rounds: never a second debit", {
    timeout: minutes(2),
  }, async () => {
    const tellers = [teller(), teller(), teller()];
    await rounds(ROUNDS / 2, async () => {
      const payment = await claimed(0);
      const told = tellers.map((one) => untilTold(one, payment));
      await Promise.all([...told, sleep(Math.random() * 20).then(() => webhook(payment))]);
      expect(await debits(payment.id)).toBe(1);
    });
    expect(backend.told).toHaveLength(ROUNDS / 2);
  });

  test('killed between its claim and its call: the claim runs out, and the next one tells', async () => {
    const payment = await claimed();
    await claim(payment);
    await expect(teller().paid(payment, never)).rejects.toThrow(/another run tells it/);
    expect(backend.told).toEqual([]);
    await world.letClaimRunOut(payment.id);
    await teller().paid(payment, never);
    expect(await debits(payment.id)).toBe(1);
  });

  test('killed between its call and the answer: others wait while the backend may be at work, then read the row', async () => {
    const payment = await claimed();
    await claim(payment);
    await expect(teller().paid(payment, never)).rejects.toThrow(/another run tells it/);
    // Its call arrives, and nobody reads the answer.
    await Promise.all([webhook(payment), untilTold(teller(), payment)]);
    expect(backend.told).toHaveLength(1);
    expect(await debits(payment.id)).toBe(1);
  });
});

describe("an invoice that has just ended is left to Crypto Pay's own webhook for two minutes", () => {
  test.each([
    ['just paid', 0],
    ['paid 119 s ago', seconds(119)],
  ])('%s: put off, and not told', async (_, agoMs) => {
    const payment = await claimed(agoMs);
    const error = await teller()
      .paid(payment, never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SnoozeError);
    expect((error as SnoozeError).delayMs).toBeLessThanOrEqual(Math.min(seconds(15), GRACE_MS - agoMs));
    expect(backend.told).toEqual([]);
  });

  test('completed by the webhook meanwhile: it goes on at once, and tells nobody', async () => {
    const payment = await claimed(0);
    await expect(teller().paid(payment, never)).rejects.toThrow(SnoozeError);
    await webhook(payment);
    await teller().paid(payment, never);
    expect(backend.told).toHaveLength(1);
  });

  test.each([
    ['nobody knows when it was paid', 'unknown'],
    ['it was paid in the future, by our clock', -minutes(5)],
  ] as const)('%s: two minutes from now on', async (_, agoMs) => {
    const payment = await claimed(agoMs);
    await expect(teller().paid(payment, never)).rejects.toThrow(SnoozeError);
    expect(await tellings(payment.id)).toEqual([{ by: 'webhook' }]);
    await expect(teller().paid(payment, never)).rejects.toThrow(SnoozeError);
    expect(backend.told).toEqual([]);
    await world.letClaimRunOut(payment.id);
    await teller().paid(payment, never);
    expect(backend.told).toHaveLength(1);
  });

  test('the same for one that has expired: nothing is unfrozen twice', async () => {
    const find = async () => {
      const { id } = await world.payment({ customerId, invoiceId: nextInvoice() });
      return (await world.app.app.services.payments.find(id))!;
    };
    const [fresh, old] = [await find(), await find()];
    expect(await teller().unpaid(fresh, undefined, new Date(Date.now() - seconds(60)), never)).toBe(false);
    expect(backend.told).toEqual([]);
    expect(await teller().unpaid(old, undefined, new Date(Date.now() - minutes(3)), never)).toBe(true);
    expect(backend.told).toMatchObject([{ event: 'invoice_expired', invoiceId: old.invoiceId }]);
  });
});

/** A backend that answers so, and leaves the row of the payment so. */
async function answering(status: number | 'cut' | 'never', row: string, payment: Claimed): Promise<LoopbackServer> {
  return serveOnLoopback(
    0,
    async (request, response) => {
      for await (const _ of request);
      await sql('update payments set status = $2 where id = $1', [payment.id, row]);
      if (status === 'never') return;
      if (status === 'cut') response.destroy();
      else response.writeHead(status, { 'content-type': 'application/json' }).end('{"detail":"so"}');
    },
    (response) => response.destroy(),
  );
}

describe('whatever the backend answers, the row decides', () => {
  const answers = [200, 401, 404, 429, 500, 502, 503, 'cut', 'never'] as const;
  const limitMs = (status: number | string) => (status === 'never' ? seconds(2) : seconds(30));

  test.each(answers)('%s, and the row is completed: done, and no failure of the backend', async (status) => {
    const payment = await claimed();
    await using server = disposable(await answering(status, 'completed', payment));
    const one = teller(server.url, limitMs(status));
    await one.paid(payment, never);
    expect(one.calls).toMatchObject([
      { status: typeof status === 'string' ? 'none' : String(status), outcome: status === 200 ? 'ok' : 'error' },
    ]);
  });

  test.each([
    [200, 'backend_not_completed', /200 \(so\).*payment attempt/],
    [401, 'backend_refused', /401 \(so\).*CRYPTOBOT_TOKEN/],
    [404, 'backend_refused', /404 \(so\).*BACKEND_API_URL/],
    [500, 'backend_unavailable', /500/],
    [502, 'backend_unavailable', /502/],
    [503, 'backend_unavailable', /503/],
    ['cut', 'backend_unreachable', /no answer/],
    ['never', 'backend_timeout', /no answer within 2000 ms/],
  ] as const)('%s, and the row is pending: tried again later, and said why', async (status, code, words) => {
    const payment = await claimed();
    await using server = disposable(await answering(status, 'pending', payment));
    const error = await teller(server.url, limitMs(status))
      .paid(payment, never)
      .catch((thrown: unknown) => thrown);
    expect(errorCode(error)).toBe(code);
    expect((error as Error).message).toMatch(words);
    // A backend that may still be at work is left alone; one that has answered is asked again in a moment.
    const [{ leftMs }] = (await sql(
      `select extract(epoch from (metadata #>> '{worker,telling,until}')::timestamptz - now())::float8 * 1000 as "leftMs" from payments where id = $1`,
      [payment.id],
    )) as [{ leftMs: number }];
    const isAtWork = typeof status === 'string' || status === 502;
    expect(leftMs > seconds(5)).toBe(isAtWork);
  });

  test.each(answers)('%s, and the row is failed: nothing is given', async (status) => {
    const payment = await claimed();
    await using server = disposable(await answering(status, 'failed', payment));
    const one = teller(server.url, limitMs(status));
    await expect(one.paid(payment, never)).rejects.toMatchObject({ code: 'backend_not_completed' });
  });

  test('500 after the work, twenty times in a row: the breaker stays closed', async () => {
    const one = teller();
    for (let i = 0; i < 20; i += 1) await one.paid(await claimed(), never);
    expect(one.breaker()).toBe('closed');
    expect(one.calls.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => '500'));
  });

  test('500 and no work: the breaker opens, and an open one leaves the claim to others', async () => {
    const one = teller();
    backend.faults({ kind: 'error', status: 500 });
    for (let i = 0; i < 5; i += 1)
      await expect(one.paid(await claimed(), never)).rejects.toMatchObject({ code: 'backend_unavailable' });
    expect(one.breaker()).toBe('open');
    const payment = await claimed();
    await expect(one.paid(payment, never)).rejects.toMatchObject({ code: 'breaker_open' });
    backend.faults();
    await untilTold(teller(), payment);
  });
});

test('429: no attempt is used, and Retry-After holds every worker', async () => {
  const [first, second] = [await claimed(), await claimed()];
  backend.faults({ kind: 'rate_limited', retryAfterSeconds: 30, count: 1 });
  await expect(teller().paid(first, never)).rejects.toThrow(SnoozeError);
  await expect(teller().paid(second, never)).rejects.toThrow(SnoozeError);
  await expect(teller().paid(first, never)).rejects.toThrow(SnoozeError);
  expect(backend.asked).toHaveLength(1);
  await world.app.redis.client.flushall();
  await untilTold(teller(), first);
  await untilTold(teller(), second);
  expect(backend.told).toHaveLength(2);
});

test('an invoice that stands on two payments is refused, and says so', async () => {
  const payment = await claimed();
  await sql(
    `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days)
     values ($1, $2, $3, 10, 'USD', 'pending', 'cryptobot', 30)`,
    [randomUUID(), payment.invoiceId, customerId],
  );
  await expect(teller().paid(payment, never)).rejects.toMatchObject({ code: 'backend_unavailable' });
});

const disposable = ({ stop, url }: LoopbackServer) => ({ url, [Symbol.asyncDispose]: () => stop() });
