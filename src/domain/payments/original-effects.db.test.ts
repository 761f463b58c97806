/** Payments that others earn from, with promo codes, and refunded ones, as the real backend writes them: what this service does about them. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Effects, effectsOf } from '../../../tools/originals/backend/effects.ts';
import type { Purchase } from '../../../tools/originals/backend/payment-effects.ts';
import { days, minutes } from '../../lib/duration.ts';
import { type PaymentCustomer, type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';
import { seedPurchase } from '../../testing/recorded-purchases.ts';

const RECORD = new URL('../../../test/originals/backend/effects.json', import.meta.url);
const { purchases } = JSON.parse(await readFile(RECORD, 'utf8')) as { purchases: Purchase[] };

const REST = days(3);
/** The place of a promo code is over by then. */
const AGE = minutes(40);

let world: PaymentWorld;
beforeAll(async () => {
  world = await paymentWorld(2, 'backend');
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.reset());

type Bought = { id: string; customer: PaymentCustomer };

/** The recorded payment, paid in full by a customer of this world. */
async function seed(purchase: Purchase, ageMs = AGE): Promise<Bought> {
  const customer = await world.customer({ endsInMs: REST });
  const createdAt = new Date(Date.now() - ageMs);
  const { currency, final_amount: amount } = purchase.row;
  const invoice = world.cryptopay.world.put({
    ...{ fiat: currency, amount: String(amount), status: 'paid', paid_at: createdAt.toISOString() },
  });
  const given = { buyerId: customer.id, invoiceId: String(invoice.invoice_id), createdAt };
  const { id } = await seedPurchase(world.app.database.pool, purchase, given);
  return { id, customer };
}

/** One run, where `world.complete` goes on until the payment waits no more. */
const lookAt = ({ id }: Bought) => world.app.run('process_payment_completion', { payment_id: id });
const effects = (id: string): Promise<Effects> => effectsOf(world.app.database.pool, id);
const statusOf = async (id: string) => (await world.row(id)).status;
const restOf = ({ customer }: Bought) => world.user(customer).expireAt - Date.now();
const near = (actual: number, expected: number) => expect(Math.abs(actual - expected)).toBeLessThan(minutes(2));

test.each(purchases)('$name: its effects come once, however many of ours complete it at once', async (purchase) => {
  const { id } = await seed(purchase);
  for (let round = 0; round < 2; round++)
    await Promise.allSettled(Array.from({ length: 3 }, () => world.complete({ id })));
  expect(world.backend?.sideEffects.get(id)).toBe(1);
  expect(told(await effects(id))).toEqual(told(toldOnce(purchase)));
});

describe('a checkout without an order keeps a place for its promo code, and the backend cannot complete it meanwhile', () => {
  const promoted = purchases.find(({ before }) => before.reservation !== null)!;

  test('it waits for that half an hour without a call, an attempt or an alert, and then it is completed', async () => {
    const bought = await seed(promoted, minutes(5));
    await expect(lookAt(bought)).rejects.toThrow(/the place of its promo code/);
    expect(world.backend?.asked).toEqual([]);
    expect(await statusOf(bought.id)).toBe('pending');
    near(restOf(bought), REST);

    const { pool } = world.app.database;
    await pool.query(`update payments set created_at = created_at - interval '30 minutes' where id = $1`, [bought.id]);
    await pool.query(`update growth_code_reservations set expires_at = expires_at - interval '30 minutes'`);
    await world.complete(bought);
    expect(await effects(bought.id)).toMatchObject({
      ...{ payment: 'completed', promo_code: { usages: ['7.4975'] }, reservation: 'expired' },
    });
    expect(world.backend?.sideEffects.get(bought.id)).toBe(1);
    expect(await world.alerts('payment_activation', bought.id)).toEqual([]);
  });

  test('a checkout that names no place keeps nobody waiting', async () => {
    const bought = await seed(
      purchases.find(({ name }) => name === 'an upgrade by a customer of a partner')!,
      minutes(20),
    );
    const named = `update payments set metadata = metadata::jsonb || '{"growth_code_reservation_id": null}' where id = $1`;
    await world.app.database.pool.query(named, [bought.id]);
    await world.complete(bought);
    expect(await statusOf(bought.id)).toBe('completed');
  });

  test('those of other customers do not wait with it', async () => {
    const promotions = await Promise.all(Array.from({ length: 6 }, () => seed(promoted, minutes(5))));
    await Promise.allSettled(promotions.map(lookAt));
    const other = await seed(purchases.find(({ name }) => name === 'an upgrade by a customer of a partner')!);
    await world.complete(other);
    expect(await statusOf(other.id)).toBe('completed');
  });
});

describe('a refunded payment', () => {
  const refunded = purchases.find(({ name }) => name === 'an order by a partner code, in part from the wallet')!;
  const setStatus = (id: string, status: string) =>
    world.app.database.pool.query('update payments set status = $2 where id = $1', [id, status]);

  test('gives no days, and the backend is not told of it: it would do everything again', async () => {
    const bought = await seed(refunded);
    await setStatus(bought.id, 'refunded');
    await world.complete(bought);
    await world.app.run('verify_pending_payments');
    expect(await statusOf(bought.id)).toBe('refunded');
    expect(world.backend?.asked).toEqual([]);
    near(restOf(bought), REST);
  });

  test('that the backend completes once more gets no second days', async () => {
    const bought = await seed(refunded);
    await world.complete(bought);
    near(restOf(bought), REST + days(refunded.row.subscription_days));
    await setStatus(bought.id, 'refunded');
    await world.complete(bought);
    await setStatus(bought.id, 'completed');
    await world.complete(bought);
    await world.app.run('verify_pending_payments');
    near(restOf(bought), REST + days(refunded.row.subscription_days));
  });
});

/** What a single telling leaves behind, by the record of one or of two. */
function toldOnce({ steps }: Purchase): Effects {
  const step = steps.find(({ after, told }) => told && after.payment === 'completed')!;
  const { after } = step;
  if (step.told!.times === 1) return after;
  const half = <T>(all: readonly T[]): T[] => all.slice(0, all.length / 2);
  const promo = after.promo_code && { current_uses: 0, usages: half(after.promo_code.usages) };
  return { ...after, promo_code: promo, partner_earnings: half(after.partner_earnings), invites: half(after.invites) };
}

/** Balances and counts go on from payment to payment in the record. */
function told({ promo_code: promo, wallet_transactions: moved, wallets: _, ...rest }: Effects): object {
  return {
    ...rest,
    usages: promo?.usages,
    moves: new Set(moved.map(({ amount, type, whose }) => `${whose} ${type} ${amount}`)),
  };
}
