import { sql } from 'kysely';
import { z } from 'zod';
import { type ItemKind, type OnRead, readEach } from '../lib/read-each.ts';
import { momentColumn, telegramIdColumn } from './columns.ts';
import type { Database } from './database.ts';

/** The last payment of a customer that was completed. */
export type LastPurchase = { planId: string | undefined; planName: string | undefined; at: Date };

const purchases: ItemKind<[number, LastPurchase]> = {
  source: 'last_purchases',
  names: ['telegram_id'],
  schema: z
    .object({
      telegram_id: telegramIdColumn,
      plan_id: z.string().nullable(),
      plan_name: z.string().nullable(),
      updated_at: momentColumn,
    })
    .transform((row) => [
      row.telegram_id,
      { planId: row.plan_id ?? undefined, planName: row.plan_name ?? undefined, at: row.updated_at },
    ]),
};

/** What customers bought last. Read only. */
export class LastPurchases {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /** By chat; chats that never paid are left out. */
  async of(chats: readonly number[]): Promise<ReadonlyMap<number, LastPurchase>> {
    if (chats.length === 0) return new Map();
    const { rows } = await sql`
      select distinct on (customer.telegram_id) customer.telegram_id, payment.plan_id, payment.updated_at,
             coalesce(nullif(plan.display_name, ''), plan.name) as plan_name
        from mobile_users as customer
        join payments as payment on payment.user_uuid = customer.id and payment.status = 'completed'
        left join subscription_plans as plan on plan.id = payment.plan_id
       where customer.telegram_id = any(${chats}::bigint[])
       order by customer.telegram_id, payment.updated_at desc`.execute(this.#db);
    return new Map(readEach(rows, purchases, this.#onRead).items);
  }
}
