import type { Redis } from 'ioredis';
import { type Answer, CryptoPay, type InvoiceEvent, twiceAtOnce } from './crypto-pay.ts';
import type { Customer } from './customer.ts';
import { type Effects, effectsOf, ledgerOf, type Terms, termsOf } from './effects.ts';
import { order, SHOP } from './orders.ts';
import type { Backend } from './payment-rows.ts';
import { Programme } from './programme.ts';
import { openShop } from './shop.ts';

/** What happened to a payment, and what it has left behind since. */
export type Step = {
  readonly what: string;
  /** What Crypto Pay told. */
  readonly told?: {
    readonly event: InvoiceEvent;
    /** Two are told at once. */
    readonly times: 1 | 2;
    /** The backend's Redis had forgotten the invoice. */
    readonly is_mark_lost: boolean;
    /** The place of the promo code had run out, as it does half an hour after the checkout. */
    readonly is_reservation_over: boolean;
  };
  readonly answers: readonly Answer[];
  readonly after: Effects;
  readonly ledger: object;
};

/** A payment that somebody else earns from, or whose price a code lowered. */
export type Purchase = {
  readonly name: string;
  readonly row: Row;
  readonly terms: Terms;
  readonly before: Effects;
  readonly steps: Step[];
};

type Row = {
  readonly id: string;
  readonly external_id: string;
  readonly currency: string;
  readonly final_amount: number;
  readonly subscription_days: number;
  readonly metadata: { readonly checkout_mode: string };
};

/** Buys, pays and refunds by the routes that applications and administrators call. */
export async function recordPaymentEffects(
  backend: Backend & { redis: Redis; botSecret: string },
): Promise<{ purchases: Purchase[]; queued: object[] }> {
  const { pool } = backend;
  await openShop(pool);
  const programme = await Programme.start(backend);
  const { rows } = await pool.query<{ name: string; id: string }>('select name, id from subscription_plans');
  const plans = Object.fromEntries(rows.map(({ id, name }) => [name, id])) as Record<string, string>;
  // Orders of the one earn, those of the other do not.
  const [earning, other] = [plans.plus_365!, plans.basic_30!];
  await programme.allow(earning);
  const purchases: Purchase[] = [];
  const buy = async (name: string, buyer: Customer, act: () => Promise<unknown>): Promise<Bought> => {
    const bought = await Bought.buy(backend, buyer, act);
    const { before, row, steps } = bought;
    purchases.push({ name, row, terms: await termsOf(pool, row.id), before, steps });
    return bought;
  };
  const upgrade = (buyer: Customer, promo?: string) =>
    buyer.post('/api/v1/subscriptions/current/upgrade', {
      ...{ target_plan_id: plans.pro_90!, ...SHOP },
      ...(promo && { promo_code: promo }),
    });

  {
    const buyer = await programme.boundBuyer();
    const once = await buy('an upgrade by a customer of a partner', buyer, () => upgrade(buyer));
    await once.told('paid');
    await once.told('paid, told again');
    await once.told('paid, told again when the mark is lost', { is_mark_lost: true });
    const other = await programme.boundBuyer();
    const twice = await buy('an upgrade by another customer of the partner', other, () => upgrade(other));
    await twice.told('paid, told twice at once', { times: 2 });
  }
  {
    const buyer = await programme.referredBuyer();
    const once = await buy('an upgrade by a customer whom another brought', buyer, () => upgrade(buyer));
    await once.told('paid');
    const other = await programme.referredBuyer();
    const twice = await buy('an upgrade by a second customer whom another brought', other, () => upgrade(other));
    await twice.told('paid, told twice at once', { times: 2 });
  }
  {
    const code = await programme.promoCode({ discount_type: 'percent', discount_value: 25 });
    const buyer = await programme.buyer();
    const once = await buy('an upgrade with a promo code', buyer, () => upgrade(buyer, code));
    await once.told('paid');
    await once.told('paid, told again');
    await once.told('paid, told again half an hour later', { is_reservation_over: true });
    const addon = await buy('an add-on with the same promo code', buyer, () =>
      buyer.post('/api/v1/subscriptions/current/addons', {
        ...{ addons: [{ code: 'extra_device', qty: 1 }], promo_code: code, ...SHOP },
      }),
    );
    await addon.told('paid');
    await addon.told('paid, told again half an hour later', { is_reservation_over: true });
    const other = await programme.buyer();
    const twice = await buy('an upgrade with the same promo code', other, () => upgrade(other, code));
    await twice.told('paid half an hour later, told twice at once', { times: 2, is_reservation_over: true });
  }
  {
    const buyer = await programme.buyer();
    const blocked = await buy('an order by a partner code, of a plan that earns nothing', buyer, () =>
      order(buyer, { plan_id: other, partner_code: programme.code }),
    );
    await blocked.told('paid');
  }
  {
    const buyer = await programme.buyer();
    const twice = await buy('an order by a partner code', buyer, () =>
      order(buyer, { plan_id: earning, partner_code: programme.code }),
    );
    await twice.told('paid, told twice at once', { times: 2 });
  }
  {
    const code = await programme.promoCode({ discount_type: 'fixed', discount_value: 3 });
    const buyer = await programme.buyer();
    const promoted = await buy('an order with a promo code', buyer, () =>
      order(buyer, { plan_id: other, code_input: code }),
    );
    await promoted.told('paid, told twice at once', { times: 2 });
    await promoted.refund('all that was paid is refunded', buyer, promoted.row.final_amount, programme);
  }
  {
    const buyer = await programme.buyer();
    await pool.query('insert into wallets (user_id, balance, frozen) values ($1, 40, 0)', [buyer.id]);
    const refunded = await buy('an order by a partner code, in part from the wallet', buyer, () =>
      order(buyer, { plan_id: earning, partner_code: programme.code, use_wallet: 5 }),
    );
    await refunded.refused('a refund is asked for before it is paid', buyer, 1);
    await refunded.told('paid');
    await refunded.refused('more than the price is asked for', buyer, 1000);
    await refunded.refund('the price is refunded', buyer, await refunded.price(), programme);
    await refunded.told('paid, told again after the refund');
    await refunded.told('paid, told again after the refund when the mark is lost', { is_mark_lost: true });
  }
  {
    const buyer = await programme.referredBuyer();
    const refunded = await buy('an order by a customer whom another brought', buyer, () =>
      order(buyer, { plan_id: earning }),
    );
    await refunded.told('paid, told twice at once', { times: 2 });
    const price = await refunded.price();
    await refunded.refund('ten are refunded', buyer, 10, programme);
    await refunded.refund('the rest is refunded', buyer, Math.round((price - 10) * 100) / 100, programme);
    await refunded.told('expired, told after the refund when the mark is lost', {
      ...{ event: 'invoice_expired', is_mark_lost: true },
    });
  }
  const queued = await pool.query('select to_jsonb(n) as row from notification_queue n where telegram_id = $1', [
    programme.referrerTelegramId,
  ]);
  return { purchases, queued: queued.rows.map(({ row }) => row) };
}

/** One payment, and what happens to it. */
class Bought {
  readonly row: Row;
  readonly before: Effects;
  readonly steps: Step[] = [];
  readonly #backend: Backend & { redis: Redis };

  private constructor(backend: Backend & { redis: Redis }, row: Row, before: Effects) {
    this.#backend = backend;
    this.row = row;
    this.before = before;
  }

  static async buy(backend: Backend & { redis: Redis }, buyer: Customer, act: () => Promise<unknown>): Promise<Bought> {
    await act();
    // The snapshot of entitlements is long, and this service does not read it.
    const { rows } = await backend.pool.query<{ row: Row }>(
      `select to_jsonb(p) - 'entitlements_snapshot' as row from payments p where user_uuid = $1 order by created_at desc`,
      [buyer.id],
    );
    const { row } = rows[0]!;
    return new Bought(backend, row, await effectsOf(backend.pool, row.id));
  }

  async told(what: string, how: Partial<NonNullable<Step['told']>> = {}): Promise<void> {
    const { pool, redis } = this.#backend;
    const told = { event: 'invoice_paid', times: 1, is_mark_lost: false, is_reservation_over: false, ...how } as const;
    if (told.is_mark_lost) await redis.del(`cryptobot:processed:${this.row.external_id}`);
    if (told.is_reservation_over)
      await pool.query(
        `update growth_code_reservations set expires_at = now() - interval '1 second'
          where id::text = (select metadata ->> 'growth_code_reservation_id' from payments where id = $1)`,
        [this.row.id],
      );
    const tell = () => new CryptoPay(this.#backend).tell(told.event, this.row.external_id);
    const answers = told.times === 2 ? await twiceAtOnce(pool, this.row.id, tell) : [await tell()];
    await this.#step({ what, told, answers });
  }

  /** A customer asks for it, an administrator says that it is done. */
  async refund(what: string, buyer: Customer, amount: number, { admin }: Programme): Promise<void> {
    const asked = await buyer.post<{ id: string }>('/api/v1/refunds/', {
      ...{ order_id: await this.#orderId(), amount, reason_code: 'requested_by_customer' },
    });
    const path = `/api/v1/refunds/${asked.id}`;
    const body = { refund_status: 'succeeded', external_reference: 'by hand' };
    const done = await admin.patch<object>(path, body);
    await this.#step({ what, answers: [asked, done].map((body) => ({ status: body === asked ? 201 : 200, body })) });
  }

  async refused(what: string, buyer: Customer, amount: number): Promise<void> {
    const answer = await buyer
      .post('/api/v1/refunds/', { order_id: await this.#orderId(), amount })
      .then(() => undefined)
      .catch(({ message }: Error) => message);
    if (!answer) throw new Error(`${what}: it was taken`);
    const [, status, body] = /: (\d+) (.*)$/.exec(answer)!;
    await this.#step({ what, answers: [{ status: Number(status), body: JSON.parse(body!) as object }] });
  }

  /** What the order costs, before discount and wallet: the backend measures refunds by it. */
  async price(): Promise<number> {
    const { rows } = await this.#backend.pool.query<{ price: number }>(
      'select displayed_price::float as price from orders where id = $1',
      [await this.#orderId()],
    );
    return rows[0]!.price;
  }

  async #orderId(): Promise<string> {
    const { rows } = await this.#backend.pool.query<{ id: string }>(
      'select order_id as id from payment_attempts where payment_id = $1',
      [this.row.id],
    );
    return rows[0]!.id;
  }

  async #step(step: Omit<Step, 'after' | 'ledger'>): Promise<void> {
    const { pool } = this.#backend;
    const { id } = this.row;
    this.steps.push({ ...step, after: await effectsOf(pool, id), ledger: await ledgerOf(pool, id) });
  }
}
