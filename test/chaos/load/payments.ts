import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { days } from '../../../src/lib/duration.ts';
import { now } from '../timeline.ts';
import type { AskedPayment, Customer, PayerMood } from './asked.ts';
import { every, insist, type LoadContext } from './load.ts';

const MOODS: readonly PayerMood[] = [
  'pays',
  'pays',
  'pays',
  'pays',
  'silent',
  'silent',
  'mismatch',
  'expires',
  'waits',
];
const CUSTOMERS = 40;

/** Adds customers whose panel users end in some days, and some that have already ended. */
export async function addCustomers({ asked, stage }: Pick<LoadContext, 'asked' | 'stage'>): Promise<void> {
  for (let n = 1; n <= CUSTOMERS; n += 1) {
    const isOver = n % 5 === 0;
    const expireAtMs = Math.floor(now()) + days(isOver ? -3 : 10 + n);
    const username = `payer_${n}`;
    const telegramId = 700_000 + n;
    const user = stage.world.panel!.addUser({
      username,
      telegramId,
      expireAt: expireAtMs,
      status: isOver ? 'EXPIRED' : 'ACTIVE',
    });
    const customer: Customer = { id: randomUUID(), telegramId, username, expireAtMs };
    asked.customers.push(customer);
    await stage.world.pool.query(
      `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
       values ($1, $2, 'x', $3, $4, $5, true, 'active')`,
      [customer.id, `${username}@example.com`, username, telegramId, user.uuid],
    );
  }
}

/** Makes customers buy, and pay after a moment or not. */
export async function payments(context: LoadContext, everyMs: number): Promise<void> {
  const { random, signal } = context;
  const acting: Promise<void>[] = [];
  await every(everyMs, signal, async () => {
    const payment = await buys(context, random.pick(context.asked.customers), random.pick(MOODS));
    acting.push(acts(context, payment, random.between(200, 4_000), random.pick([1, 1, 2])));
  });
  await Promise.all(acting);
}

async function buys({ asked, stage }: LoadContext, customer: Customer, mood: PayerMood): Promise<AskedPayment> {
  const { pool, cryptopay } = stage.world;
  const amount = '10';
  const invoice = cryptopay.world.put({ amount: mood === 'mismatch' ? '1' : amount, fiat: 'USD' });
  const payment: AskedPayment = {
    id: randomUUID(),
    invoiceId: invoice.invoice_id,
    customer: customer.username,
    days: 30,
    mood,
    actedAtMs: undefined,
  };
  await insist(() =>
    pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days)
       values ($1, $2, $3, $4, 'USD', 'pending', 'cryptobot', $5) on conflict (id) do nothing`,
      [payment.id, String(payment.invoiceId), customer.id, amount, payment.days],
    ),
  );
  asked.payments.push(payment);
  return payment;
}

/** Sends the webhook to a running worker, or to none. Its answer does not matter here. */
async function acts({ stage }: LoadContext, payment: AskedPayment, afterMs: number, copies: number): Promise<void> {
  if (payment.mood === 'waits') return;
  await delay(afterMs);
  const { world } = stage.world.cryptopay;
  payment.actedAtMs = now();
  if (payment.mood === 'expires') {
    world.expire(payment.invoiceId);
    return;
  }
  const [worker] = stage.crew.workers;
  world.webhooks.url = worker && `${worker.httpUrl}/webhooks/cryptobot`;
  const webhook = payment.mood === 'silent' ? false : { copies };
  await world.pay(payment.invoiceId, { webhook });
}
