import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Customers who can get a Telegram message. Read only. */
export class CustomersWithTelegram {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The Telegram ids of all active customers in groups of at most `size`, each id once. Holds one group in memory at a time. */
  async *inGroups(size: number): AsyncGenerator<number[]> {
    let after: number | undefined;
    for (;;) {
      const { rows } = await sql<{ telegram_id: number }>`
        select telegram_id from mobile_users
         where telegram_id is not null and is_active and (${after ?? null}::bigint is null or telegram_id > ${after ?? null}::bigint)
         order by telegram_id limit ${size}`.execute(this.#db);
      if (rows.length > 0) yield rows.map((row) => row.telegram_id);
      if (rows.length < size) return;
      after = rows.at(-1)!.telegram_id;
    }
  }
}
