import { sql } from 'kysely';
import { z } from 'zod';
import { PermanentError } from '../lib/errors.ts';
import type { Money } from '../lib/money.ts';
import { type Hole, holeInWords, type ItemKind, type Listing, type OnRead, readEach } from '../lib/read-each.ts';
import { amountColumn, momentColumn } from './columns.ts';
import type { Database } from './database.ts';
import { type RowPage, rowPage } from './row-page.ts';

export type PaymentStatus = 'pending' | 'completed' | 'failed' | 'refunded';

/** A field with an invalid value counts as absent; the other fields keep their values. */
const kept = <T extends z.ZodType>(field: T) => field.optional().catch(undefined);

/** The worker's own fields of a payment, in `metadata.worker`. Times are ISO 8601 UTC. */
const Mark = z.object({
  /** `pending`: paid, and the panel may not have it yet. `done`: the panel had it. */
  activation: kept(z.enum(['pending', 'done'])),
  /** The panel's id of the user that gets the days. */
  panel_user: kept(z.string()),
  /** The time from which the bought days count, and the time at which they end. Written once, before the panel is called. */
  basis: kept(z.iso.datetime()),
  target_expire_at: kept(z.iso.datetime()),
  recorded_at: kept(z.iso.datetime()),
  attempts: kept(z.int()),
  /** The time at which the invoice was paid, from Crypto Pay. */
  paid_at: kept(z.iso.datetime()),
  done_at: kept(z.iso.datetime()),
  /** The side that marked the payment completed or failed. Only the backend does commissions, wallet and orders. */
  settled_by: kept(z.enum(['worker', 'backend'])),
  /** The paid invoice was not the one that this payment expects. */
  mismatch: kept(z.object({ amount: z.string(), currency: z.string() })),
  /** On a payment that auto-renew made: the expiry that it renews, and the Telegram id to notify. */
  renewal: kept(z.object({ expires_at: z.iso.datetime(), telegram_id: z.int() })),
  /** On such a payment: the run that asks Crypto Pay for its invoice, and the time until which no other run may. */
  invoicing: kept(z.object({ by: z.string(), until: z.iso.datetime() })),
});
export type PaymentMark = z.output<typeof Mark>;

/** The platform's hints about the customer that a payment is for. */
const Hints = z.object({
  remnawave_uuid: kept(z.string().min(1)),
  remnawave_user_id: kept(z.union([z.string().min(1), z.number().transform(String)])),
  target_subscription_key: kept(z.string().min(1)),
});
export type PaymentHints = z.output<typeof Hints>;

export type Payment = {
  id: string;
  /** The id at Crypto Pay, from `external_id`. */
  invoiceId: string | undefined;
  /** From `user_uuid`: a customer's id, on old rows a panel uuid. */
  customerId: string;
  /** The price after wallet and discount: the amount that is due. */
  price: Money;
  /** The price before wallet and discount. */
  fullPrice: Money;
  status: PaymentStatus;
  provider: string;
  days: number;
  planId: string | undefined;
  /** The plan's name for customers. */
  planName: string | undefined;
  hints: PaymentHints;
  autoRenew: boolean;
  mark: PaymentMark;
  createdAt: Date;
  updatedAt: Date;
};

export type NewPayment = {
  id: string;
  customerId: string;
  price: Money;
  days: number;
  planId: string | undefined;
  metadata: Readonly<Record<string, unknown>>;
};

/** A hundred years: no more are sold, and a date reaches no further than 275760. */
const MOST_DAYS = 36_500;

const Row = z.object({
  id: z.string(),
  external_id: z.string().nullable(),
  user_uuid: z.string(),
  due: amountColumn,
  amount: amountColumn,
  currency: z.string().min(1),
  status: z.string(),
  provider: z.string(),
  subscription_days: z.int().min(-MOST_DAYS).max(MOST_DAYS),
  plan_id: z.string().nullable(),
  plan_name: z.string().nullable(),
  metadata: z.unknown(),
  created_at: momentColumn,
  updated_at: momentColumn,
});
type Row = z.output<typeof Row>;

/** `final_amount`, where set, is the amount that the gateway charges; `amount` is before wallet and discount. */
const COLUMNS = sql`p.id, p.external_id, p.user_uuid, trim_scale(coalesce(p.final_amount, p.amount))::text as due,
  trim_scale(p.amount)::text as amount, p.currency,
  p.status, p.provider, p.subscription_days, p.plan_id, coalesce(nullif(plan.display_name, ''), plan.name) as plan_name,
  p.metadata, p.created_at, p.updated_at`;
const FROM = sql`payments p left join subscription_plans plan on plan.id = p.plan_id`;

/** The column is json, not jsonb, and holds keys of the backend. Our keys are merged in; the others stay. */
const merged = (patch: PaymentMark) => sql`(
  case when jsonb_typeof(metadata::jsonb) = 'object' then metadata::jsonb else '{}' end
  || jsonb_build_object('worker', coalesce(metadata::jsonb -> 'worker', '{}') || ${JSON.stringify(patch)}::jsonb))::json`;

const activation = (value: 'pending' | 'done') => sql<boolean>`p.metadata #>> '{worker,activation}' = ${value}`;

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
    return rowPage(rows, limit, payments, this.#onRead);
  }

  /** Completed payments whose days the panel may not have yet. Reads only those created after `since`, because the column has no index. */
  async completedNotActive(since: Date, limit: number): Promise<Listing<Payment>> {
    return this.#list(sql`where p.status = 'completed' and p.provider = 'cryptobot' and p.created_at > ${since}
      and ${activation('pending')} order by p.created_at, p.id limit ${limit}`);
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
  async latestTarget(customerIds: readonly string[], panelUser: string, since: Date): Promise<Date | undefined> {
    const { rows } = await sql<{ target: Date | null }>`
      select max((p.metadata #>> '{worker,target_expire_at}')::timestamptz) as target
        from payments p
       where p.user_uuid = any(${[...customerIds]}::uuid[])
         and p.status in ('pending', 'completed')
         and p.metadata #>> '{worker,panel_user}' = ${panelUser}
         and (${activation('pending')} or (p.metadata #>> '{worker,done_at}')::timestamptz >= ${since})`.execute(
      this.#db,
    );
    return rows[0]?.target ?? undefined;
  }

  /** Merges the fields of `patch` into `metadata.worker`. */
  async mark(id: string, patch: PaymentMark): Promise<void> {
    await sql`update payments set metadata = ${merged(patch)}, updated_at = now() where id = ${id}`.execute(this.#db);
  }

  /** True for the one caller that makes the payment `completed` and active; false when it already was, or has failed. */
  async complete(id: string, patch: PaymentMark): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update payments as p set status = 'completed', metadata = ${merged(patch)}, updated_at = now()
       where id = ${id} and status in ('pending', 'completed') and (status = 'pending' or ${activation('pending')})`.execute(
      this.#db,
    );
    return numAffectedRows === 1n;
  }

  /** True for the one caller that makes a pending payment `failed`; false when it is already paid, completed or failed. */
  async fail(id: string, patch: PaymentMark): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update payments as p set status = 'failed', metadata = ${merged(patch)}, updated_at = now()
       where id = ${id} and status = 'pending' and p.metadata #>> '{worker,activation}' is null`.execute(this.#db);
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
   * The customer's newest completed payment for that subscription; `undefined` is the account's own. Throws `PermanentError`
   * `row_unreadable`: what stands in an older one may no longer hold.
   */
  async newestCompleted(customerId: string, subscriptionKey: string | undefined): Promise<Payment | undefined> {
    const newest = await this.#list(sql`where p.user_uuid = ${customerId} and p.status = 'completed'
      and p.metadata ->> 'target_subscription_key' is not distinct from ${subscriptionKey ?? null}
      order by p.created_at desc, p.id desc limit 1`);
    return only(newest);
  }

  /** CryptoBot payments created after `since`, by the SHA-256 fingerprint of their invoice id, with those that cannot be read. */
  async byFingerprints(fingerprints: readonly string[], since: Date): Promise<ReadonlyMap<string, Listing<Payment>>> {
    const fingerprint = sql`encode(sha256(convert_to(p.external_id, 'UTF8')), 'hex')`;
    const { rows } = await sql<{ fingerprint: string }>`
      select ${COLUMNS}, ${fingerprint} as fingerprint from ${FROM}
       where p.provider = 'cryptobot' and p.created_at > ${since} and ${fingerprint} = any(${[...fingerprints]}::text[])
       order by p.created_at, p.id`.execute(this.#db);
    const groups = [...Map.groupBy(rows, (row) => row.fingerprint)];
    return new Map(groups.map(([of, group]) => [of, readEach(group, payments, this.#onRead)]));
  }

  async #list(rest: ReturnType<typeof sql>): Promise<Listing<Payment>> {
    return readEach(await this.#rows(rest), payments, this.#onRead);
  }

  async #rows(rest: ReturnType<typeof sql>): Promise<{ id: string }[]> {
    const { rows } = await sql<{ id: string }>`select ${COLUMNS} from ${FROM} ${rest}`.execute(this.#db);
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

const payments: ItemKind<Payment> = {
  source: 'payments',
  names: ['id', 'external_id'],
  schema: Row.transform((row) => paymentOf(row)),
};

function paymentOf(row: Row): Payment {
  const metadata = z.record(z.string(), z.unknown()).safeParse(row.metadata).data ?? {};
  return {
    id: row.id,
    invoiceId: row.external_id ?? undefined,
    customerId: row.user_uuid,
    price: { amount: row.due, currency: row.currency },
    fullPrice: { amount: row.amount, currency: row.currency },
    status: row.status as PaymentStatus,
    provider: row.provider,
    days: row.subscription_days,
    planId: row.plan_id ?? undefined,
    planName: row.plan_name ?? undefined,
    hints: Hints.safeParse(metadata).data ?? {},
    autoRenew: metadata.auto_renew === true,
    mark: Mark.safeParse(metadata.worker ?? {}).data ?? {},
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
