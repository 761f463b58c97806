import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';

export const MESSAGE_STATUSES = ['pending', 'sent', 'failed'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** One row of `notification_queue`, as people look at it. */
export type OutboxMessage = {
  id: string;
  /** As text: a bigint may be beyond what a number holds. */
  telegramId: string;
  type: string | undefined;
  status: string;
  attempts: number;
  /** Undefined where the row has a time that no calendar has. */
  scheduledAt: Date | undefined;
  createdAt: Date | undefined;
  sentAt: Date | undefined;
  error: string | undefined;
  /** The first characters of the text. */
  beginning: string;
};

export type OutboxFilter = {
  status?: MessageStatus | undefined;
  /** The beginning of the reason, up to its colon, as `failures` names it. */
  reason?: string | undefined;
  type?: string | undefined;
  telegramId?: string | undefined;
  ids?: readonly string[] | undefined;
  /** When it was or is due. */
  from?: Date | undefined;
  to?: Date | undefined;
};

/** A place between two rows: the next page begins after it. The time is PostgreSQL's text in UTC, exact to the microsecond, or `infinity`. */
export type OutboxCursor = { at: string; id: string };

export type OutboxCounts = {
  /** Waiting and due now; waiting for later. */
  due: number;
  later: number;
  /** Failed rows by reason, the most frequent first. */
  failures: readonly { reason: string; messages: number }[];
};

/** Clean-up keeps ended rows for 7 days; more failures than these are an outage that is told by an alert, and are not counted by reason. */
const FAILURES_LOOKED_AT = 20_000;
const REASONS = 12;
const BEGINNING = 160;
/** A bigint of PostgreSQL. No row has a chat beyond it, and PostgreSQL refuses to compare with it. */
const MOST_CHAT = 2n ** 63n - 1n;

/** The queue of messages as people see it: what waits, what failed and why, and what to do about single rows. */
export class Outbox {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async counts(): Promise<OutboxCounts> {
    const [waiting, failed] = await Promise.all([
      sql<{ due: number; later: number }>`
        select count(*) filter (where scheduled_at <= now())::int as due,
               count(*) filter (where scheduled_at > now())::int as later
          from notification_queue where status = 'pending'`.execute(this.#db),
      sql<{ reason: string; messages: number }>`
        select coalesce(nullif(split_part(error_message, ':', 1), ''), 'unknown') as reason, count(*)::int as messages
          from (select error_message from notification_queue where status = 'failed'
                 order by scheduled_at desc limit ${FAILURES_LOOKED_AT}) as latest
         group by 1 order by 2 desc limit ${REASONS}`.execute(this.#db),
    ]);
    return { ...waiting.rows[0]!, failures: failed.rows };
  }

  /** One page, by the time at which each was due, the latest first. */
  async list(
    filter: OutboxFilter,
    { after, limit }: { after?: OutboxCursor | undefined; limit: number },
  ): Promise<{ messages: OutboxMessage[]; next: OutboxCursor | undefined }> {
    const place = after
      ? sql`and (scheduled_at, id) < (${after.at}::timestamp at time zone 'utc', ${after.id}::uuid)`
      : sql``;
    const conditions = sql`${where(filter)} ${place}`;
    const { rows } = await sql<Row>`
      select id, telegram_id::text, notification_type, status, attempts, scheduled_at, created_at, sent_at, error_message,
             left(message, ${BEGINNING}) as beginning, (scheduled_at at time zone 'utc')::text as at
        from ${isNarrow(filter) ? sql`notification_queue where ${conditions}` : newestOfEach(conditions, limit + 1)}
       order by scheduled_at desc, id desc limit ${limit + 1}`.execute(this.#db);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next = rows.length > limit && last ? { at: last.at, id: last.id } : undefined;
    return { messages: shown.map(asMessage), next };
  }

  /** Failed rows become due now, with all their attempts. Returns how many; rows that are not failed stay as they are. */
  async retry(ids: readonly string[]): Promise<number> {
    const { numAffectedRows } = await sql`
      update notification_queue set status = 'pending', attempts = 0, scheduled_at = now(), error_message = null
       where id = any(${ids}::uuid[]) and status = 'failed'`.execute(this.#db);
    return Number(numAffectedRows ?? 0);
  }
}

/** Whether the filter asks for one status, whose index has the order of the page, or for what is found by a look at all rows. */
const isNarrow = ({ ids, reason, status, telegramId, type }: OutboxFilter): boolean =>
  [ids, reason, status, telegramId, type].some((one) => one !== undefined);

/** The newest rows of each status that there is, as a table. The only index begins with the status, and what statuses there are it says itself. */
const newestOfEach = (conditions: RawBuilder<unknown>, limit: number): RawBuilder<unknown> => sql`(
  with recursive kinds as (
    select min(status) as status from notification_queue
    union all
    select (select min(status) from notification_queue where status > kinds.status) from kinds where kinds.status is not null
  )
  select newest.* from kinds cross join lateral (
    select * from notification_queue where status = kinds.status and ${conditions} order by scheduled_at desc, id desc limit ${limit}
  ) as newest) as listed`;

type Row = {
  id: string;
  telegram_id: string;
  notification_type: string | null;
  status: string;
  attempts: number;
  scheduled_at: unknown;
  created_at: unknown;
  sent_at: unknown;
  error_message: string | null;
  beginning: string;
  at: string;
};

function asMessage(row: Row): OutboxMessage {
  const { attempts, beginning, id, status } = row;
  return {
    ...{ id, attempts, beginning, status },
    telegramId: row.telegram_id,
    type: row.notification_type ?? undefined,
    scheduledAt: moment(row.scheduled_at),
    createdAt: moment(row.created_at),
    sentAt: moment(row.sent_at),
    error: row.error_message ?? undefined,
  };
}

const moment = (value: unknown): Date | undefined =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? value : undefined;

function where({ from, ids, reason, status, telegramId, to, type }: OutboxFilter): RawBuilder<unknown> {
  const conditions = [
    status && sql`status = ${status}`,
    reason !== undefined && sql`coalesce(nullif(split_part(error_message, ':', 1), ''), 'unknown') = ${reason}`,
    type !== undefined && sql`notification_type = ${type}`,
    telegramId !== undefined &&
      (BigInt(telegramId) > MOST_CHAT ? sql`false` : sql`telegram_id = ${telegramId}::bigint`),
    ids && sql`id = any(${ids}::uuid[])`,
    from && sql`scheduled_at >= ${from}`,
    to && sql`scheduled_at < ${to}`,
  ].filter((one) => typeof one === 'object');
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}
