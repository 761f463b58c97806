import { sql } from 'kysely';
import { PermanentError } from '../lib/errors.ts';
import type { Money } from '../lib/money.ts';
import { OTHER_MODES } from '../lib/purchase.ts';
import { type Hole, holeInWords, type Listing, type OnRead, readEach } from '../lib/read-each.ts';
import type { Database } from './database.ts';
import {
  type Need,
  PAYMENT_COLUMNS,
  PAYMENT_TABLES,
  type Payment,
  type PaymentPatch,
  paymentRows,
} from './payment-row.ts';
import { type RowPage, rowPage } from './row-page.ts';

export type NewPayment = {
  id: string;
  customerId: string;
  price: Money;
  days: number;
  planId: string | undefined;
  metadata: Readonly<Record<string, unknown>>;
};

/** The column is json, not jsonb, and holds keys of the backend. Our keys are merged in; the others stay. */
const merged = (patch: PaymentPatch) => sql`(
  case when jsonb_typeof(metadata::jsonb) = 'object' then metadata::jsonb else '{}' end
  || jsonb_build_object('worker', coalesce(metadata::jsonb -> 'worker', '{}') || ${JSON.stringify(patch)}::jsonb))::json`;

/** What both generations of a panel say of a user. */
type PanelIdentity = { id: string; username: string };

/**
 * Whether the days of a payment were promised to this user: by name, which an upgrade of the panel keeps. Rows of earlier versions have an
 * id only; one of the other generation of panel is no evidence of another user.
 */
const isPromisedTo = ({ id, username }: PanelIdentity) => sql<boolean>`case
    when p.metadata #>> '{worker,panel_name}' is not null then lower(p.metadata #>> '{worker,panel_name}') = ${username.toLowerCase()}
    when p.metadata #>> '{worker,panel_user}' is null then false
    else p.metadata #>> '{worker,panel_user}' = ${id}
      or (p.metadata #>> '{worker,panel_user}' ~ '^[0-9]+$') <> ${/^\d+$/.test(id)} end`;

const activation = (value: 'pending' | 'done') => sql<boolean>`p.metadata #>> '{worker,activation}' = ${value}`;

/** Whether a person decided how the payment ends in spite of the row's state. */
const isDecided = sql<boolean>`coalesce(p.metadata #>> '{worker,decision,act}' in ('extend', 'given'), false)`;
const isOpen = sql<boolean>`p.metadata #>> '{worker,closed}' is null`;

/** Payments of customers. The backend owns the table. The worker completes or fails a payment only with proof. */
export class Payments {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /** The same queries inside a transaction. */
  within(transaction: Database): Payments {
    return new Payments(transaction, this.#onRead);
  }

  /** Throws `PermanentError` `row_unreadable` where the row is there and cannot be read. */
  async find(id: string): Promise<Payment | undefined> {
    return only(await this.#list(sql`where p.id = ${id}`));
  }

  /**
   * The id of this customer's renewal of a subscription that ends then. Rows of earlier versions name the user by an id of the panel, which
   * an upgrade changes, so the subscription tells them apart.
   */
  async renewalOf(
    customerId: string,
    {
      expiresAt,
      subscriptionKey,
      username,
    }: { expiresAt: string; subscriptionKey: string | undefined; username: string },
  ): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      select id from payments p
       where p.user_uuid = ${customerId} and p.metadata #>> '{worker,renewal,expires_at}' = ${expiresAt}
         and coalesce(lower(p.metadata ->> 'remnawave_username') = ${username.toLowerCase()},
                      p.metadata ->> 'target_subscription_key' is not distinct from ${subscriptionKey ?? null})
       limit 1`.execute(this.#db);
    return rows[0]?.id;
  }

  /** Finds the payment and locks its row until the transaction ends. */
  async findLocked(id: string): Promise<Payment | undefined> {
    return only(await this.#list(sql`where p.id = ${id} for update of p`));
  }

  /**
   * CryptoBot payments of this invoice, oldest first; the column is not unique. At most 10. Throws `PermanentError` `row_unreadable` where
   * there are some of which none can be read.
   */
  async byInvoice(invoiceId: string): Promise<Payment[]> {
    const found = await this.#list(
      sql`where p.external_id = ${invoiceId} and p.provider = 'cryptobot' order by p.created_at, p.id limit 10`,
    );
    if (found.items.length === 0) only(found);
    return found.items;
  }

  /**
   * A page of pending CryptoBot payments after `afterId`, ordered by id. Times lose their microseconds here, so they cannot mark the place
   * to go on from.
   */
  async pending(afterId: string | undefined, limit: number): Promise<RowPage<Payment>> {
    const after = afterId === undefined ? sql`` : sql`and p.id > ${afterId}`;
    const rows = await this.#rows(
      sql`where p.status = 'pending' and p.provider = 'cryptobot' ${after} order by p.id limit ${limit}`,
    );
    return rowPage(rows, limit, paymentRows, this.#onRead);
  }

  /** Completed payments whose days the panel may not have yet. Reads only those created after `since`, because the column has no index. */
  async completedNotActive(since: Date, limit: number): Promise<Listing<Payment>> {
    return this.#list(sql`where p.status = 'completed' and p.provider = 'cryptobot' and p.created_at > ${since}
      and ${activation('pending')} order by p.created_at, p.id limit ${limit}`);
  }

  /**
   * CryptoBot payments created after `since` that somebody else completed and whose days nobody has decided on, oldest first. Reads only
   * rows of that age, because the column has no index.
   */
  async completedByOthers(since: Date, limit: number): Promise<Listing<Payment>> {
    return this.#list(sql`where p.status = 'completed' and p.provider = 'cryptobot' and p.created_at >= ${since}
      and p.metadata #>> '{worker,activation}' is null and p.metadata #>> '{worker,closed}' is null
      and coalesce(p.metadata #>> '{worker,needs,why}', 'unresolved') = 'unresolved'
      and coalesce(p.metadata ->> 'checkout_mode', 'new_purchase') <> all(${[...OTHER_MODES]}::text[])
      order by p.created_at, p.id limit ${limit}`);
  }

  /**
   * CryptoBot payments created after `since` on which a person decided, and that no other query takes up: their job may be lost. Reads only
   * rows of that age, because the column has no index.
   */
  async decided(since: Date, limit: number): Promise<Listing<Payment>> {
    return this.#list(sql`where p.status in ('completed', 'failed') and p.provider = 'cryptobot' and p.created_at > ${since}
      and p.metadata #>> '{worker,decision,act}' is not null and ${isOpen}
      and (p.metadata #>> '{worker,activation}' is null or (p.status = 'failed' and ${activation('pending')}))
      and (p.status = 'completed' or ${isDecided})
      order by p.created_at, p.id limit ${limit}`);
  }

  /** The id of another payment that has this invoice, if there is one. */
  async invoiceTakenBy(payment: Payment): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      select p.id from payments p
       where p.external_id = ${payment.invoiceId ?? null} and p.provider = 'cryptobot' and p.id <> ${payment.id}
         and (p.status = 'completed' or p.metadata #>> '{worker,activation}' is not null)
       limit 1`.execute(this.#db);
    return rows[0]?.id;
  }

  /** The time by PostgreSQL's clock, which all workers share. */
  async clock(): Promise<Date> {
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(this.#db);
    return rows[0]!.now;
  }

  /** Lets one transaction at a time work under this name. All callers must take several names in the same order. */
  async serialise(name: string): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(this.#db);
  }

  /** The latest expiry that payments promised to this panel user and that the panel may not have received by `since`. */
  async latestTarget(customerIds: readonly string[], user: PanelIdentity, since: Date): Promise<Date | undefined> {
    const { rows } = await sql<{ target: Date | null }>`
      select max((p.metadata #>> '{worker,target_expire_at}')::timestamptz) as target
        from payments p
       where p.user_uuid = any(${[...customerIds]}::uuid[])
         and (p.status in ('pending', 'completed') or (p.status = 'failed' and ${isDecided}))
         and ${isPromisedTo(user)}
         and (${activation('pending')} or (p.metadata #>> '{worker,done_at}')::timestamptz >= ${since})`.execute(
      this.#db,
    );
    return rows[0]?.target ?? undefined;
  }

  /** The newest payments of these customers that may explain the end of this panel user, at most 200: paid, and not promised to another. */
  async completedFor(customerIds: readonly string[], user: PanelIdentity): Promise<readonly Payment[]> {
    const found = await this.#list(sql`where p.user_uuid = any(${[...customerIds]}::uuid[])
      and (p.status = 'completed' or ${activation('pending')})
      and (p.metadata #>> '{worker,panel_user}' is null or ${isPromisedTo(user)})
      order by p.created_at desc, p.id desc limit 200`);
    return found.items;
  }

  /** Writes that the payment waits for a person, unless that is written or it is over. */
  async needPerson(id: string, why: Need, detail?: string): Promise<void> {
    const needs = { why, since: (await this.clock()).toISOString(), ...(detail !== undefined && { detail }) };
    await sql`
      update payments as p set metadata = ${merged({ needs })}, updated_at = now()
       where id = ${id} and p.metadata #>> '{worker,needs,why}' is distinct from ${why}
         and ${activation('done')} is not true and p.metadata #>> '{worker,closed}' is null`.execute(this.#db);
  }

  /** Merges the fields of `patch` into `metadata.worker`. */
  async mark(id: string, patch: PaymentPatch): Promise<void> {
    await sql`update payments set metadata = ${merged(patch)}, updated_at = now() where id = ${id}`.execute(this.#db);
  }

  /** True for the one caller that makes the payment `completed` and active; false when it already was, or has failed. */
  async complete(id: string, patch: PaymentPatch): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update payments as p set status = 'completed', metadata = ${merged(patch)}, updated_at = now()
       where id = ${id} and ${isOpen}
         and (status = 'pending' or (status = 'completed' and ${activation('pending')})
              or (${isDecided} and status <> 'refunded' and not coalesce(${activation('done')}, false)))`.execute(
      this.#db,
    );
    return numAffectedRows === 1n;
  }

  /** True for the one caller that makes a pending payment `failed`; false when it is already paid, completed or failed. */
  async fail(id: string, patch: PaymentPatch): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update payments as p set status = 'failed', metadata = ${merged(patch)}, updated_at = now()
       where id = ${id} and status = 'pending' and p.metadata #>> '{worker,activation}' is null
         and not ${isDecided}`.execute(this.#db);
    return numAffectedRows === 1n;
  }

  /** Inserts a pending CryptoBot payment that has no invoice yet. False when its id exists. */
  async insertPending({ id, customerId, price, days, planId, metadata }: NewPayment): Promise<boolean> {
    const { numAffectedRows } = await sql`
      insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, plan_id, final_amount, metadata)
      values (${id}, ${customerId}, ${price.amount}::numeric, ${price.currency}, 'pending', 'cryptobot', ${days},
              ${planId ?? null}, ${price.amount}::numeric, ${JSON.stringify(metadata)}::json)
      on conflict (id) do nothing`.execute(this.#db);
    return numAffectedRows === 1n;
  }

  /** Gives a pending payment its invoice. False when it has one or has ended, or when another run now asks for it. */
  async setInvoice(id: string, invoiceId: string, askedBy: string): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update payments set external_id = ${invoiceId}, updated_at = now()
       where id = ${id} and status = 'pending' and external_id is null
         and metadata #>> '{worker,invoicing,by}' = ${askedBy}`.execute(this.#db);
    return numAffectedRows === 1n;
  }

  /** Payments that auto-renew began after `since` and that have no invoice, because the worker died. */
  async unfinishedRenewals(since: Date, limit: number): Promise<Listing<Payment>> {
    return this.#list(sql`where p.status = 'pending' and p.provider = 'cryptobot' and p.external_id is null
      and p.created_at > ${since} and p.metadata #>> '{worker,renewal}' is not null
      order by p.created_at, p.id limit ${limit}`);
  }

  /**
   * The customer's newest completed payment that bought time for that subscription; `undefined` is the account's own. Throws `PermanentError`
   * `row_unreadable`: what stands in an older one may no longer hold.
   */
  async newestCompleted(customerId: string, subscriptionKey: string | undefined): Promise<Payment | undefined> {
    const newest = await this.#list(sql`where p.user_uuid = ${customerId} and p.status = 'completed'
      and p.metadata ->> 'target_subscription_key' is not distinct from ${subscriptionKey ?? null}
      and coalesce(p.metadata ->> 'checkout_mode', 'new_purchase') <> all(${[...OTHER_MODES]}::text[])
      order by p.created_at desc, p.id desc limit 1`);
    return only(newest);
  }

  /** CryptoBot payments created after `since`, by the SHA-256 fingerprint of their invoice id, with those that cannot be read. */
  async byFingerprints(fingerprints: readonly string[], since: Date): Promise<ReadonlyMap<string, Listing<Payment>>> {
    const fingerprint = sql`encode(sha256(convert_to(p.external_id, 'UTF8')), 'hex')`;
    const { rows } = await sql<{ fingerprint: string }>`
      select ${PAYMENT_COLUMNS}, ${fingerprint} as fingerprint from ${PAYMENT_TABLES}
       where p.provider = 'cryptobot' and p.created_at > ${since} and ${fingerprint} = any(${[...fingerprints]}::text[])
       order by p.created_at, p.id`.execute(this.#db);
    const groups = [...Map.groupBy(rows, (row) => row.fingerprint)];
    return new Map(groups.map(([of, group]) => [of, readEach(group, paymentRows, this.#onRead)]));
  }

  async #list(rest: ReturnType<typeof sql>): Promise<Listing<Payment>> {
    return readEach(await this.#rows(rest), paymentRows, this.#onRead);
  }

  async #rows(rest: ReturnType<typeof sql>): Promise<{ id: string }[]> {
    const { rows } = await sql<{ id: string }>`select ${PAYMENT_COLUMNS} from ${PAYMENT_TABLES} ${rest}`.execute(
      this.#db,
    );
    return rows;
  }
}

/** The one that was asked for. Nobody may take one that cannot be read for one that is not there. */
function only({ holes: [hole], items: [payment] }: Listing<Payment>): Payment | undefined {
  if (payment || !hole) return payment;
  throw unreadable(hole);
}

function unreadable(hole: Hole): PermanentError {
  const message = `payments: the row ${hole.item} cannot be read: ${holeInWords(hole)}; mend the row, then run this again`;
  return new PermanentError('row_unreadable', message);
}
