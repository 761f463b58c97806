import { sql } from 'kysely';
import { z } from 'zod';
import type { Hole, OnRead } from '../lib/read-each.ts';
import { momentColumn, telegramIdColumn } from './columns.ts';
import type { Database } from './database.ts';
import {
  NEEDS,
  PAYMENT_COLUMNS,
  PAYMENT_TABLES,
  type Payment,
  type PaymentStatus,
  paymentRows,
} from './payment-row.ts';
import { rowPage } from './row-page.ts';

/** Why a payment stands on the desk. `open_too_long`: it is paid, nobody asked for a person, and it is still not active. */
export const DESK_REASONS = [...NEEDS, 'open_too_long'] as const;
export type DeskReason = (typeof DESK_REASONS)[number];

/** The customer of a payment, as far as the platform knows one. */
export type DeskCustomer = { id: string; username: string | undefined; telegramId: number | undefined };

export type DeskRow = { payment: Payment; reason: DeskReason | undefined; customer: DeskCustomer };

export type DeskFilter = {
  reason?: DeskReason | undefined;
  status?: PaymentStatus | undefined;
  /** The id of a payment, invoice or customer, a Telegram id, or a username of the platform. */
  find?: string | undefined;
  /** Whether payments are included that wait for nobody. */
  isAll: boolean;
  /** Only those that are paid and whose days the panel may not have yet. */
  isOpen: boolean;
  /** A paid payment that is not active counts as open too long when it was paid before this moment. */
  late: Date;
  /** When it was created. */
  from?: Date | undefined;
  to?: Date | undefined;
  /** The page begins after this payment. */
  after?: string | undefined;
  limit: number;
};

export type DeskPage = { rows: readonly DeskRow[]; holes: readonly Hole[]; next: string | undefined };

/** An entry of `audit_logs` about a payment. */
export type PaymentAudit = { action: string; at: Date | undefined; oldValue: unknown; newValue: unknown };

/** The most entries of `audit_logs`, and the most panel users of other payments, that are read of one payment. */
const AUDITS = 50;
const PROMISES = 20;

const worker = (path: string) => sql<string | null>`p.metadata #>> ${`{worker,${path}}`}::text[]`;

/** Times in `metadata.worker` are ISO 8601 in UTC, so they compare as text: one that is no time cannot fail the statement. */
const reasonOf = (late: Date) => sql`case
    when ${worker('closed')} is not null or ${worker('activation')} = 'done' or p.status = 'refunded' then null
    when ${worker('needs,why')} = 'gift_waits' and p.status = 'completed' then null
    when ${worker('needs,why')} is not null then ${worker('needs,why')}
    when p.created_at >= ${late} then null
    when ${worker('activation')} = 'pending' and coalesce(${worker('paid_at')}, '') < ${late.toISOString()}
      and coalesce(${worker('decision,at')}, '') < ${late.toISOString()} then 'open_too_long'
    when ${worker('activation')} is null and ${worker('decision,at')} < ${late.toISOString()}
      and (p.status <> 'pending' or ${worker('decision,act')} <> 'assign') then 'open_too_long'
  end`;

/** Passes over almost all rows at the cost of one field. Those that it lets through are judged by `reasonOf`. */
const MAY_WAIT = sql`p.metadata::text like '%"worker"%' and ${worker('activation')} is distinct from 'done'`;

/** Payments as the desk sees them: with their customer, and with the reason why they wait for a person. Read only. */
export class DeskPayments {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /**
   * A page, newest first. Neither the marks nor the time have an index: the page is found by few columns first, rows that the worker never
   * marked are passed over by their text, and of those that are done only one field is read.
   */
  async list({ after, find, from, isAll, isOpen, late, limit, reason, status, to }: DeskFilter): Promise<DeskPage> {
    const isWide = isAll || isOpen || find !== undefined || status !== undefined;
    const conditions = [
      ...(reason !== undefined || !isWide ? [MAY_WAIT, sql`desk.reason is not null`] : []),
      ...(reason === undefined ? [] : [sql`desk.reason = ${reason}`]),
      ...(isOpen ? [sql`p.metadata::text like '%"worker"%' and ${worker('activation')} = 'pending'`] : []),
      ...(status === undefined ? [] : [sql`p.status = ${status}`]),
      ...(from === undefined ? [] : [sql`p.created_at >= ${from}`]),
      ...(to === undefined ? [] : [sql`p.created_at < ${to}`]),
      ...(find === undefined ? [] : [sql`p.id in (${found(find)})`]),
      ...(after === undefined
        ? []
        : [sql`(p.created_at, p.id) < (select a.created_at, a.id from payments a where a.id = ${after})`]),
    ];
    const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
    const { rows } = await sql<{ id: string; reason: string | null; customer_name: string | null; chat: unknown }>`
      with page as materialized (
        select p.id from payments p cross join lateral (select ${reasonOf(late)} as reason) desk
        ${where} order by p.created_at desc, p.id desc limit ${limit}
      )
      select ${PAYMENT_COLUMNS}, ${reasonOf(late)} as reason, c.username as customer_name, c.telegram_id as chat
        from page join ${PAYMENT_TABLES} on p.id = page.id left join mobile_users c on c.id = p.user_uuid
       order by p.created_at desc, p.id desc`.execute(this.#db);
    const page = rowPage(rows, limit, paymentRows, this.#onRead);
    const extras = new Map(rows.map((row) => [row.id, row]));
    return {
      rows: page.items.map((payment) => {
        const extra = extras.get(payment.id)!;
        const username = extra.customer_name ?? undefined;
        const telegramId = telegramIdColumn.safeParse(extra.chat).data;
        return {
          payment,
          reason: Reason.parse(extra.reason),
          customer: { id: payment.customerId, username, telegramId },
        };
      }),
      holes: page.holes,
      next: page.isFull ? page.lastId : undefined,
    };
  }

  /** The audit trail of this payment since it was made, newest first, at most 50 entries. */
  async audits({ createdAt, id }: Payment): Promise<PaymentAudit[]> {
    const { rows } = await sql<{ action: string; created_at: Date; old_value: unknown; new_value: unknown }>`
      select action, created_at, old_value, new_value from audit_logs
       where entity_type = 'payment' and entity_id = ${id} and created_at >= ${createdAt}
       order by created_at desc, id limit ${AUDITS}`.execute(this.#db);
    return rows.map((row) => ({
      action: row.action,
      at: momentColumn.safeParse(row.created_at).data,
      oldValue: row.old_value,
      newValue: row.new_value,
    }));
  }

  /** The panel users that other payments of this customer were promised to, by name where one is known, newest first. */
  async promisedBefore({ customerId, id }: Payment): Promise<{ paymentId: string; panelUser: string }[]> {
    const { rows } = await sql<{ id: string; panel_user: string }>`
      select p.id, coalesce(${worker('panel_name')}, ${worker('panel_user')}) as panel_user from payments p
       where p.user_uuid = ${customerId} and p.id <> ${id} and coalesce(${worker('panel_name')}, ${worker('panel_user')}) is not null
       order by p.created_at desc, p.id desc limit ${PROMISES}`.execute(this.#db);
    return rows.map((row) => ({ paymentId: row.id, panelUser: row.panel_user }));
  }
}

const Reason = z
  .enum(DESK_REASONS)
  .nullish()
  .catch(undefined)
  .transform((reason) => reason ?? undefined);

/** More digits than this are no Telegram id, and more than a bigint holds. */
const TELEGRAM_ID = /^\d{1,16}$/;

/** The ids of payments that fit, each way of finding them by its own index. */
function found(text: string) {
  const name = text.replace(/^@/, '');
  const isGuid = z.guid().safeParse(text).success;
  return sql.join(
    [
      sql`select id from payments where external_id = ${text}`,
      sql`select paid.id from mobile_users as payer join payments as paid on paid.user_uuid = payer.id
           where payer.username = ${name} or payer.telegram_username = ${name}`,
      ...(isGuid
        ? [
            sql`select id from payments where id = ${text}::uuid`,
            sql`select id from payments where user_uuid = ${text}::uuid`,
          ]
        : []),
      ...(TELEGRAM_ID.test(text)
        ? [
            sql`select paid.id from mobile_users as payer join payments as paid on paid.user_uuid = payer.id
                 where payer.telegram_id = ${text}::bigint`,
          ]
        : []),
    ],
    sql` union all `,
  );
}
