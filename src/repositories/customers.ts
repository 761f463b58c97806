import { sql } from 'kysely';
import { z } from 'zod';
import { type ItemKind, type OnRead, readEach } from '../lib/read-each.ts';
import { telegramIdColumn } from './columns.ts';
import type { Database } from './database.ts';

export type Customer = {
  id: string;
  username: string | undefined;
  telegramId: number | undefined;
  /** The panel user from the time when a customer had only one. */
  panelUuid: string | undefined;
};

/** A panel user that belongs to a customer. */
export type ServiceIdentity = {
  /** The id that the platform stores: on panels 2.x the uuid. */
  panelUser: string;
  scope: 'account' | 'subscription';
  subscriptionKey: string | undefined;
};

/** A panel user's owner, and how the owner holds it. */
export type Ownership = { customer: Customer; scope: ServiceIdentity['scope']; subscriptionKey: string | undefined };

type Row = { id: string; username: string | null; telegram_id: unknown; remnawave_uuid: string | null };
type OwnerRow = Row & { identity_scope: string; subscription_key: string | null };

type IdentityRow = { provider_subject_ref: string; identity_scope: string; subscription_key: string | null };

const COLUMNS = sql`c.id, c.username, c.telegram_id, c.remnawave_uuid`;

/** Says of a customer whose Telegram id is none. All else about them holds: such a customer has no chat. */
const withTelegramId: ItemKind<unknown> = {
  source: 'customers',
  names: ['id', 'username'],
  schema: z.object({ telegram_id: telegramIdColumn.nullable() }),
};

/** Customers of the platform and the panel users they own. Read only. */
export class Customers {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  async find(id: string): Promise<Customer | undefined> {
    const { rows } = await sql<Row>`select ${COLUMNS} from mobile_users c where c.id = ${id}`.execute(this.#db);
    return rows[0] && this.#customerOf(rows[0]);
  }

  /** The active panel users of a customer, at most 100; nobody owns more. */
  async identities(customerId: string): Promise<ServiceIdentity[]> {
    const { rows } = await sql<IdentityRow>`
      select provider_subject_ref, identity_scope, subscription_key from service_identities
       where customer_account_id = ${customerId} and provider_name = 'remnawave' and identity_status = 'active'
         and provider_subject_ref is not null
       order by identity_scope, provider_subject_ref limit 100`.execute(this.#db);
    return rows.map(identityOf);
  }

  /** These customers and their active panel users, by customer id. Two statements for any number; give it few thousand at most. */
  async owners(
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, { customer: Customer | undefined; identities: ServiceIdentity[] }>> {
    if (ids.length === 0) return new Map();
    const customers = await sql<Row>`
      select ${COLUMNS} from mobile_users c where c.id = any(${[...ids]}::uuid[])`.execute(this.#db);
    const identities = await sql<IdentityRow & { customer_account_id: string }>`
      select customer_account_id, provider_subject_ref, identity_scope, subscription_key from service_identities
       where customer_account_id = any(${[...ids]}::uuid[]) and provider_name = 'remnawave' and identity_status = 'active'
         and provider_subject_ref is not null`.execute(this.#db);
    const byId = new Map(customers.rows.map((row) => [row.id, this.#customerOf(row)]));
    const owned = Map.groupBy(identities.rows, (row) => row.customer_account_id);
    return new Map(
      ids.map((id) => [id, { customer: byId.get(id), identities: (owned.get(id) ?? []).map(identityOf) }]),
    );
  }

  /** The owner of a panel user: through `service_identities`, else through `mobile_users.remnawave_uuid`. */
  async ownerOf(panelUuid: string): Promise<Ownership | undefined> {
    const { rows } = await sql<OwnerRow>`
      select ${COLUMNS}, i.identity_scope, i.subscription_key
        from service_identities i join mobile_users c on c.id = i.customer_account_id
       where i.provider_subject_ref = any(${[panelUuid, panelUuid.toLowerCase()]}::text[]) and i.provider_name = 'remnawave'
         and i.identity_status = 'active'
      union all
      select ${COLUMNS}, 'account', null from mobile_users c where c.remnawave_uuid = ${panelUuid.toLowerCase()}
       limit 1`.execute(this.#db);
    const [row] = rows;
    if (!row) return undefined;
    const scope = row.identity_scope === 'subscription' ? 'subscription' : 'account';
    return { customer: this.#customerOf(row), scope, subscriptionKey: row.subscription_key ?? undefined };
  }

  async byTelegramId(telegramId: number): Promise<Customer | undefined> {
    const { rows } = await sql<Row>`
      select ${COLUMNS} from mobile_users c where c.telegram_id = ${telegramId}`.execute(this.#db);
    return rows[0] && this.#customerOf(rows[0]);
  }

  #customerOf(row: Row): Customer {
    readEach([row], withTelegramId, this.#onRead);
    return {
      id: row.id,
      username: row.username ?? undefined,
      telegramId: telegramIdColumn.safeParse(row.telegram_id).data,
      panelUuid: row.remnawave_uuid ?? undefined,
    };
  }
}

const identityOf = (row: IdentityRow): ServiceIdentity => ({
  panelUser: row.provider_subject_ref,
  scope: row.identity_scope === 'subscription' ? 'subscription' : 'account',
  subscriptionKey: row.subscription_key ?? undefined,
});
