import { sql } from 'kysely';
import { z } from 'zod';
import { type ItemKind, type OnRead, readEach } from '../lib/read-each.ts';
import { telegramIdColumn } from './columns.ts';
import type { Database } from './database.ts';

/** One person has few panel users. More than this do not belong to one person. */
const SUBSCRIPTIONS_OF_ONE = 20;

const contactRows: ItemKind<[string, number]> = {
  source: 'customer_contacts',
  names: ['ref'],
  schema: z
    .object({ ref: z.string(), telegram_id: telegramIdColumn })
    .transform(({ ref, telegram_id: telegramId }) => [ref, telegramId]),
};

/** Maps panel users, customers and Telegram chats to each other where the panel itself does not say. */
export class CustomerContacts {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /**
   * The Telegram ids of panel users, by reference: through `service_identities`, else through `mobile_users.remnawave_uuid`. References are
   * uuids in lower case. The result omits those without a Telegram id.
   */
  async telegramIds(panelRefs: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (panelRefs.length === 0) return new Map();
    const { rows } = await sql`
      select distinct on (ref) ref, telegram_id
        from (select identity.provider_subject_ref as ref, customer.telegram_id,
                     case when identity.identity_status = 'active' then 1 else 2 end as rank
                from service_identities as identity
                join mobile_users as customer on customer.id = identity.customer_account_id
               where identity.provider_name = 'remnawave' and identity.provider_subject_ref = any(${panelRefs}::text[])
               union all
              select remnawave_uuid, telegram_id, 3
                from mobile_users
               where remnawave_uuid = any(${panelRefs}::text[])) as found
       where telegram_id is not null
       order by ref, rank`.execute(this.#db);
    return new Map(readEach(rows, contactRows, this.#onRead).items);
  }

  /**
   * The Telegram ids of customers by their names in lower case, for panels whose users have no uuids. A name that several customers have says
   * nothing. The result omits those without a Telegram id.
   */
  async telegramIdsByName(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (names.length === 0) return new Map();
    const { rows } = await sql`
      select lower(username) as ref, min(telegram_id) as telegram_id
        from mobile_users where lower(username) = any(${names.map((name) => name.toLowerCase())}::text[])
       group by lower(username) having count(*) = 1 and min(telegram_id) is not null`.execute(this.#db);
    return new Map(readEach(rows, contactRows, this.#onRead).items);
  }

  /** The names of the customers of this chat that no other customer has, at most 20. */
  async names(telegramId: number): Promise<string[]> {
    const { rows } = await sql<{ username: string }>`
      select username from mobile_users as customer
       where telegram_id = ${telegramId} and username is not null
         and not exists (select 1 from mobile_users as other
                          where lower(other.username) = lower(customer.username) and other.id <> customer.id)
       limit ${SUBSCRIPTIONS_OF_ONE}`.execute(this.#db);
    return rows.map((row) => row.username);
  }

  /** The references of the panel users that belong to this chat, at most 20. */
  async panelRefs(telegramId: number): Promise<string[]> {
    const { rows } = await sql<{ ref: string }>`
      select distinct ref
        from (select identity.provider_subject_ref as ref
                from mobile_users as customer
                join service_identities as identity on identity.customer_account_id = customer.id
               where customer.telegram_id = ${telegramId} and identity.provider_name = 'remnawave'
               union all
              select remnawave_uuid from mobile_users where telegram_id = ${telegramId}) as found
       where ref is not null
       order by ref
       limit ${SUBSCRIPTIONS_OF_ONE}`.execute(this.#db);
    return rows.map((row) => row.ref);
  }

  /** The language that the platform's accounts have chosen, such as `en` or `ru-RU`, by Telegram id. Customers of the app have none. */
  async languages(telegramIds: readonly number[]): Promise<ReadonlyMap<number, string>> {
    if (telegramIds.length === 0) return new Map();
    const { rows } = await sql<{ telegram_id: number; language: string }>`
      select telegram_id, language from admin_users where telegram_id = any(${telegramIds}::bigint[])`.execute(
      this.#db,
    );
    return new Map(rows.map((row) => [row.telegram_id, row.language]));
  }
}
