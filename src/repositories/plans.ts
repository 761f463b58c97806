import { sql } from 'kysely';
import type { Money } from '../lib/money.ts';
import type { Database } from './database.ts';

export type Plan = { id: string; name: string; days: number; price: Money };

/** The plans on sale. Read only. */
export class Plans {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The plan with its price in dollars, if it is still on sale. */
  async findActive(id: string): Promise<Plan | undefined> {
    const { rows } = await sql<{ id: string; name: string; duration_days: number; price_usd: string }>`
      select id, coalesce(nullif(display_name, ''), name) as name, duration_days, trim_scale(price_usd)::text as price_usd
        from subscription_plans where id = ${id} and is_active`.execute(this.#db);
    const [row] = rows;
    if (!row) return undefined;
    return { id: row.id, name: row.name, days: row.duration_days, price: { amount: row.price_usd, currency: 'USD' } };
  }
}
