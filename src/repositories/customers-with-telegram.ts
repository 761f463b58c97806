import { sql } from 'kysely';
import { z } from 'zod';
import { type ItemKind, type OnRead, readEach } from '../lib/read-each.ts';
import { telegramIdColumn } from './columns.ts';
import type { Database } from './database.ts';

const chats: ItemKind<number> = {
  source: 'customers_with_chat',
  names: ['telegram_id'],
  schema: z.object({ telegram_id: telegramIdColumn }).transform((row) => row.telegram_id),
};

/** Customers who can get a Telegram message. Read only. */
export class CustomersWithTelegram {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /** The Telegram ids of all active customers in groups of at most `size`, each id once. Holds one group in memory at a time. */
  async *inGroups(size: number): AsyncGenerator<number[]> {
    // As it came: an id that does not fit into a number is text, and the next group begins after it anyway.
    let after: number | string | undefined;
    for (;;) {
      const { rows } = await sql<{ telegram_id: number | string }>`
        select telegram_id from mobile_users
         where telegram_id is not null and is_active and (${after ?? null}::bigint is null or telegram_id > ${after ?? null}::bigint)
         order by telegram_id limit ${size}`.execute(this.#db);
      const { items } = readEach(rows, chats, this.#onRead);
      if (items.length > 0) yield items;
      if (rows.length < size) return;
      after = rows.at(-1)!.telegram_id;
    }
  }
}
