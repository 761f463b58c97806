import { sql } from 'kysely';
import type { Money } from '../lib/money.ts';
import { type PurchaseKind, purchaseOf } from '../lib/purchase.ts';
import type { Database } from './database.ts';

/** Payments of one kind, created in a period. */
export type PaymentGroup = {
  status: 'completed' | 'failed' | 'pending' | 'refunded';
  provider: string;
  /** The plan's name for customers; absent where the payment names no plan or the plan is gone. */
  plan: string | undefined;
  bought: PurchaseKind;
  payments: number;
  /** The sum of the amounts that were due after wallet and discount. */
  total: Money;
};

type Row = {
  mode: string | null;
  status: string;
  provider: string;
  plan: string | null;
  payments: number;
  currency: string;
  total: string;
};

/** Figures over `payments`. */
export class PaymentStats {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The completed ones of `createdBetween`, by currency alone, which costs a third of it. */
  async completedBetween(from: Date, to: Date): Promise<Pick<PaymentGroup, 'payments' | 'total'>[]> {
    const { rows } = await sql<Pick<Row, 'currency' | 'payments' | 'total'>>`
      select currency, count(*)::int as payments, trim_scale(sum(coalesce(final_amount, amount)))::text as total
        from payments where status = 'completed' and created_at >= ${from} and created_at < ${to}
       group by currency order by currency`.execute(this.#db);
    return rows.map(({ currency, payments, total }) => ({ payments, total: { amount: total, currency } }));
  }

  /**
   * Payments created in `[from, to)` by status, provider, plan, purchase and currency. Completion has no column, and `updated_at` moves with every
   * later change; a day counted by creation gives the same figures again.
   */
  async createdBetween(from: Date, to: Date): Promise<PaymentGroup[]> {
    const { rows } = await sql<Row>`
      select p.status, p.provider, coalesce(nullif(plan.display_name, ''), plan.name) as plan,
             p.metadata ->> 'checkout_mode' as mode, count(*)::int as payments,
             p.currency, trim_scale(sum(coalesce(p.final_amount, p.amount)))::text as total
        from payments p left join subscription_plans plan on plan.id = p.plan_id
       where p.created_at >= ${from} and p.created_at < ${to}
       group by 1, 2, 3, 4, p.currency
       order by 1, 2, 3, 4, p.currency`.execute(this.#db);
    return rows.map(({ currency, mode, plan, total, ...row }) => ({
      bought: purchaseOf(mode, 0).kind,
      status: row.status as PaymentGroup['status'],
      provider: row.provider,
      plan: plan ?? undefined,
      payments: row.payments,
      total: { amount: total, currency },
    }));
  }
}
