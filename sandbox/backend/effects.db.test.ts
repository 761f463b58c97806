/** What a payment leaves behind for partners, referrers and promo codes, by the stand-in of the backend and by the original. */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../src/testing/database.ts';
import { seedPurchase } from '../../src/testing/recorded-purchases.ts';
import { type TestRedis, testRedis } from '../../src/testing/redis.ts';
import { CryptoPay, twiceAtOnce } from '../../tools/originals/backend/crypto-pay.ts';
import { type Effects, effectsOf } from '../../tools/originals/backend/effects.ts';
import type { Purchase, Step } from '../../tools/originals/backend/payment-effects.ts';
import { type BackendSandbox, startBackendSandbox } from './server.ts';

const RECORD = new URL('../../test/originals/backend/effects.json', import.meta.url);
const { purchases } = JSON.parse(await readFile(RECORD, 'utf8')) as { purchases: Purchase[] };

const TOKEN = '7:sandbox';

let database: TestDatabase;
let redis: TestRedis;
let backend: BackendSandbox;
beforeAll(async () => {
  [database, redis] = await Promise.all([testDatabase(), testRedis()]);
  backend = await startBackendSandbox({
    ...{ databaseUrl: database.url, redisUrl: redis.url, cryptobotToken: TOKEN, workMs: 0 },
  });
});
afterAll(async () => {
  await backend[Symbol.asyncDispose]();
  await Promise.all([database[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()]);
});
beforeEach(() => backend.reset());

test.each(purchases.map((purchase) => [purchase.name, purchase] as const))('%s', async (_, purchase) => {
  expect(await differences(purchase)).toEqual([]);
});

/** Each makes the tables kinder than the original is, by a trigger in the way of the stand-in. */
const KINDER: Readonly<Record<string, { trigger: string; found: readonly string[] }>> = {
  'a partner earns once': {
    trigger: onceFor('partner_earnings', 'payment_id'),
    found: [
      'an upgrade by another customer of the partner, paid, told twice at once: partner_earnings',
      'an order by a partner code, paid, told twice at once: partner_earnings',
      'an order by a partner code, in part from the wallet, paid, told again after the refund when the mark is lost: partner_earnings',
    ],
  },
  'a use of a promo code is counted once': {
    trigger: onceFor('promo_code_usages', 'payment_id'),
    found: [
      'an upgrade with the same promo code, paid half an hour later, told twice at once: promo_code',
      'an order with a promo code, paid, told twice at once: promo_code',
      'an order with a promo code, all that was paid is refunded: promo_code',
    ],
  },
  'a refunded payment stays refunded': {
    trigger: before(
      'update',
      'payments',
      `if old.status = 'refunded' then new.status := old.status; end if; return new;`,
    ),
    found: [
      'an order by a partner code, in part from the wallet, paid, told again after the refund when the mark is lost: payment',
      'an order by a customer whom another brought, expired, told after the refund when the mark is lost: payment',
    ],
  },
  'the place of a promo code stops nothing': {
    trigger: before('insert', 'growth_code_reservations', `new.status := 'consumed'; return new;`),
    found: [
      'an upgrade with a promo code, paid: payment, promo_code, reservation',
      'an upgrade with a promo code, paid, told again: answers, payment, promo_code, reservation',
      'an upgrade with a promo code, paid, told again half an hour later: answers, reservation',
      'an add-on with the same promo code, paid: payment, promo_code, reservation',
      'an add-on with the same promo code, paid, told again half an hour later: answers, reservation',
      'an upgrade with the same promo code, paid half an hour later, told twice at once: reservation',
    ],
  },
  'an order earns whatever its policy says': {
    trigger: before(
      'insert',
      'orders',
      `new.policy_snapshot := '{"program_eligibility_policy": {"reseller_allowed": true, "referral_credit_allowed": true}}'; return new;`,
    ),
    found: [
      'an order by a partner code, of a plan that earns nothing, paid: wallets, wallet_transactions, partner_earnings',
    ],
  },
};

test.each(Object.entries(KINDER))('a kinder stand-in is found: %s', async (_, { found, trigger }) => {
  await database.pool.query(trigger);
  try {
    const all = [];
    for (const purchase of purchases) all.push(...(await differences(purchase)));
    expect(all).toEqual(found);
  } finally {
    await database.pool.query('drop function kinder cascade');
  }
});

/** Plays the purchase; names each step after which something is not as it was, and what. */
async function differences(purchase: Purchase): Promise<string[]> {
  const { pool } = database;
  const { id, invoiceId } = await seedPurchase(pool, purchase);
  const found = [];
  for (const step of purchase.steps) {
    const answers = await play(step, id, invoiceId);
    const after = await effectsOf(pool, id);
    const isRefusal = !step.told && step.answers.some(({ status }) => status >= 400);
    const differing = [
      ...(step.told && !isDeepStrictEqual(answers, withInvoice(step.answers, purchase.row.external_id))
        ? ['answers']
        : []),
      ...Object.keys(step.after).filter(
        (key) => !isDeepStrictEqual(after[key as keyof Effects], step.after[key as keyof Effects]),
      ),
    ];
    if (!isRefusal && differing.length > 0) found.push(`${purchase.name}, ${step.what}: ${differing.join(', ')}`);
  }
  return found;
}

async function play({ after, told }: Step, id: string, invoiceId: string): Promise<unknown> {
  const { pool } = database;
  if (!told) return await refund(id, after);
  if (told.is_mark_lost) await redis.client.del(`cryptobot:processed:${invoiceId}`);
  if (told.is_reservation_over)
    await pool.query(
      `update growth_code_reservations set expires_at = now() - interval '1 second'
        where id::text = (select metadata ->> 'growth_code_reservation_id' from payments where id = $1)`,
      [id],
    );
  const tell = () => new CryptoPay({ url: backend.url, cryptobotToken: TOKEN }).tell(told.event, invoiceId);
  const answers = told.times === 2 ? await twiceAtOnce(pool, id, tell) : [await tell()];
  return withInvoice(answers, invoiceId);
}

/** The stand-in has no routes for refunds, so that what they did is done to the rows that it goes by. */
async function refund(id: string, { order, payment, referral_rewards: [reward] }: Effects): Promise<void> {
  const { pool } = database;
  await pool.query('update payments set status = $2 where id = $1', [id, payment]);
  await pool.query(
    'update orders set settlement_status = $2 where id = (select order_id from payment_attempts where payment_id = $1)',
    [id, order],
  );
  if (reward)
    await pool.query(
      `update growth_reward_allocations set allocation_status = $2, reversal_reason = $3
        where source_key = 'referral_reward:payment:' || $1`,
      [id, reward.allocation_status, reward.reversal_reason],
    );
}

const withInvoice = (answers: unknown, invoiceId: string): unknown =>
  JSON.parse(JSON.stringify(answers).replaceAll(`"${invoiceId}"`, '"<invoice>"'));

function onceFor(table: string, column: string): string {
  return before(
    'insert',
    table,
    `if exists (select from ${table} where ${column} = new.${column}) then return null; end if; return new;`,
  );
}

function before(event: 'insert' | 'update', table: string, body: string): string {
  return `create function kinder() returns trigger language plpgsql as $$ begin ${body} end $$;
          create trigger kinder before ${event} on ${table} for each row execute function kinder()`;
}
