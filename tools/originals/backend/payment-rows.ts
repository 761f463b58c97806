import { randomInt, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { type Answer, CryptoPay } from './crypto-pay.ts';
import { Customer } from './customer.ts';
import { order, SHOP } from './orders.ts';
import { grantSubscription, openShop, SHOP_KEY } from './shop.ts';

/** A running backend and its database. */
export type Backend = { readonly url: string; readonly pool: Pool; readonly cryptobotToken: string };

type Row = { id: string; external_id: string; status: string; provider: string };

/** One purchase: the row of `payments` that it made, and what Crypto Pay's "paid" made of it. `after` counts the rows of other tables. */
type Purchase = {
  readonly name: string;
  readonly row: object;
  readonly answers?: readonly Answer[];
  readonly after?: object;
};

/** Larger than 32 bits, as those of new accounts are. */
const TELEGRAM_ID = 8_000_000_000;

/** Buys everything that can be bought, by the routes that an application calls. */
export async function recordPaymentRows(backend: Backend): Promise<{ purchases: Purchase[]; queued: object[] }> {
  const { pool, url } = backend;
  await openShop(pool);
  const { rows } = await pool.query<{ name: string; id: string }>('select name, id from subscription_plans');
  const plan = Object.fromEntries(rows.map(({ id, name }) => [name, id])) as Record<string, string>;
  const recorder = new Recorder(backend);

  const buyer = await Customer.register(url, `buyer-${randomUUID().slice(0, 8)}`);
  const telegramId = TELEGRAM_ID + randomInt(1_000_000_000);
  await pool.query(`update mobile_users set telegram_id = $2 where id = $1`, [buyer.id, telegramId]);
  const device = { addons: [{ code: 'extra_device', qty: 1 }], ...SHOP };
  await recorder.buy('an order', buyer, () => order(buyer, { plan_id: plan.basic_30! }));
  await recorder.buy('an upgrade', buyer, () =>
    buyer.post('/api/v1/subscriptions/current/upgrade', { target_plan_id: plan.pro_90!, ...SHOP }),
  );
  await recorder.buy('an add-on', buyer, () => buyer.post('/api/v1/subscriptions/current/addons', device));
  const gift = { recipient_hint: 'for Boris', gift_message: 'С днём рождения!', storefront_key: SHOP_KEY, ...SHOP };
  const buyGift = () => buyer.post('/api/v1/gifts/purchase/commit', { plan_id: plan.plus_365!, ...gift });
  await recorder.buy('a gift', buyer, buyGift);
  await recorder.buy('a gift, told twice at once', buyer, buyGift, 2);

  const key = await grantSubscription(pool, buyer.id, 'basic_30');
  await recorder.buy('an upgrade of one of several', buyer, () =>
    buyer.post(`/api/v1/customer-subscriptions/${key}/upgrade`, { target_plan_id: plan.max_30!, ...SHOP }),
  );
  await recorder.buy('an add-on of one of several', buyer, () =>
    buyer.post(`/api/v1/customer-subscriptions/${key}/addons`, device),
  );

  const saver = await Customer.register(url, `saver-${randomUUID().slice(0, 8)}`);
  await pool.query('insert into wallets (user_id, balance, frozen) values ($1, 40, 0)', [saver.id]);
  await recorder.buy('an order, in part from the wallet', saver, () =>
    order(saver, { plan_id: plan.basic_30!, use_wallet: 5 }),
  );
  await recorder.buy('an upgrade, all from the wallet', saver, () =>
    saver.post('/api/v1/subscriptions/current/upgrade', { target_plan_id: plan.plus_30!, use_wallet: 8.99, ...SHOP }),
  );
  const queued = await pool.query('select to_jsonb(n) as row from notification_queue n where telegram_id = $1', [
    telegramId,
  ]);
  return { purchases: recorder.purchases, queued: queued.rows.map(({ row }) => row) };
}

class Recorder {
  readonly purchases: Purchase[] = [];
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Crypto Pay tells what can be paid this many times, at once. */
  async buy(name: string, { id }: Customer, act: () => Promise<unknown>, times = 1): Promise<void> {
    const seen = new Set((await this.#rows(id)).map((row) => row.id));
    await act();
    const row = (await this.#rows(id)).find((one) => !seen.has(one.id))!;
    if (row.status !== 'pending') {
      this.purchases.push({ name, row, after: await this.#after(row.id) });
      return;
    }
    const cryptoPay = new CryptoPay(this.#backend);
    const answers = await Promise.all(
      Array.from({ length: times }, () => cryptoPay.tell('invoice_paid', row.external_id)),
    );
    this.purchases.push({ name, row, answers, after: await this.#after(row.id) });
  }

  async #rows(userId: string): Promise<Row[]> {
    // The snapshot of entitlements is long, and this service does not read it.
    const query = `select to_jsonb(payments) - 'entitlements_snapshot' as row from payments where user_uuid = $1 order by created_at`;
    return (await this.#backend.pool.query<{ row: Row }>(query, [userId])).rows.map(({ row }) => row);
  }

  async #after(paymentId: string): Promise<object> {
    const { rows } = await this.#backend.pool.query(
      `select status,
              (select count(*)::int from wallet_transactions where reference_id = p.id) as wallet_transactions,
              (select count(*)::int from subscription_addons where payment_id = p.id) as addons,
              (select count(*)::int from growth_code_issuances where source_payment_id = p.id) as codes,
              (select a.status from payment_attempts a where a.payment_id = p.id) as attempt,
              (select o.settlement_status from payment_attempts a join orders o on o.id = a.order_id
                where a.payment_id = p.id) as "order",
              updated_at > created_at as touched
         from payments p where id = $1`,
      [paymentId],
    );
    return rows[0] as object;
  }
}
