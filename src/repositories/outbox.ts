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

export type OutboxPage = {
  messages: OutboxMessage[];
  next?: OutboxCursor;
  /** Older messages were not looked at. */
  lookedTo?: Date;
};

export type OutboxCounts = {
  /** Waiting and due now; waiting for later. */
  due: number;
  later: number;
  /** Failed rows by reason, the most frequent first. */
  failures: readonly { reason: string; messages: number }[];
};

/** Clean-up keeps ended rows for 7 days; more failures than these are an outage that is told by an alert, and are not counted by reason. */
const FAILURES_LOOKED_AT = 20_000;
/** Rows of each status that one look reads: a tenth of a second where the table is in memory. */
const LOOKED_AT = 200_000;
/** Before every other id. */
const NO_ID = '00000000-0000-0000-0000-000000000000';
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

  /**
   * One page, by the time at which each was due, the latest first. What no index finds is looked for in the newest rows alone: a page that
   * is not full says back to when it looked, and the next one goes on from there.
   */
  async list(
    filter: OutboxFilter,
    { after, limit }: { after?: OutboxCursor | undefined; limit: number },
  ): Promise<OutboxPage> {
    const place = after
      ? sql`and (scheduled_at, id) < (${after.at}::timestamp at time zone 'utc', ${after.id}::uuid)`
      : sql``;
    const end = isSearch(filter) ? await this.#endOfLook(filter, place) : undefined;
    const conditions = sql`${where(filter)} ${place} ${end ? sql`and scheduled_at >= ${end}::timestamp at time zone 'utc'` : sql``}`;
    const { rows } = await sql<Row>`
      select id, telegram_id::text, notification_type, status, attempts, scheduled_at, created_at, sent_at, error_message,
             left(message, ${BEGINNING}) as beginning, (scheduled_at at time zone 'utc')::text as at
        from ${filter.ids ? sql`notification_queue where ${conditions}` : newestOfEach(conditions, limit + 1)}
       order by scheduled_at desc, id desc limit ${limit + 1}`.execute(this.#db);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const messages = shown.map(asMessage);
    if (rows.length > limit && last) return { messages, next: { at: last.at, id: last.id } };
    return end
      ? { messages, next: { at: end, id: NO_ID }, lookedTo: new Date(`${end.replace(' ', 'T')}Z`) }
      : { messages };
  }

  /** The time, in UTC, of the last row that one look reads; undefined where there are fewer rows. */
  async #endOfLook({ from, status, to }: OutboxFilter, place: RawBuilder<unknown>): Promise<string | undefined> {
    const looked = sql`
      select scheduled_at from notification_queue
       where status = kinds.status and ${where({ from, status, to })} ${place} order by scheduled_at desc offset ${LOOKED_AT} limit 1`;
    const { rows } = await sql<{ at: string | null }>`
      with recursive ${KINDS} select max(looked.scheduled_at at time zone 'utc')::text as at
        from kinds cross join lateral (${looked}) as looked where isfinite(looked.scheduled_at)`.execute(this.#db);
    return rows[0]?.at ?? undefined;
  }

  /** Failed rows become due now, with all their attempts. Returns how many; rows that are not failed stay as they are. */
  async retry(ids: readonly string[]): Promise<number> {
    const { numAffectedRows } = await sql`
      update notification_queue set status = 'pending', attempts = 0, scheduled_at = now(), error_message = null
       where id = any(${ids}::uuid[]) and status = 'failed'`.execute(this.#db);
    return Number(numAffectedRows ?? 0);
  }
}

/** Whether the filter asks for what no index finds. */
const isSearch = ({ reason, telegramId, type }: OutboxFilter): boolean =>
  [reason, telegramId, type].some((one) => one !== undefined);

/** What statuses there are. The only index begins with the status, and says it itself. */
const KINDS = sql`kinds as (
    select min(status) as status from notification_queue
    union all
    select (select min(status) from notification_queue where status > kinds.status) from kinds where kinds.status is not null
  )`;

/** The newest rows of each status that there is, as a table. */
const newestOfEach = (conditions: RawBuilder<unknown>, limit: number): RawBuilder<unknown> => sql`(
  with recursive ${KINDS}
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
