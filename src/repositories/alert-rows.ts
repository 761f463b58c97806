import { sql } from 'kysely';
import { beganAt, endRowId, PHASE_DIGITS, sameBeginning, subjectIds } from './alert-row-id.ts';
import type { Database } from './database.ts';

export type AlertRow = { id: string; telegramId: number; message: string; type: string };

type EventPolicy = {
  mergeMs: number;
  onceWithinMs?: number | undefined;
  /** Nothing is told before this is over. */
  waitMs?: number;
};

/** The end of an alert for one admin. */
export type AlertEnd = Omit<AlertRow, 'message'> & {
  /** The row that told its beginning. */
  beginId: string;
  /** Whether the beginning was told, if there is no row of it: straight to Telegram, by another worker, or too long ago. */
  isTold: boolean;
  /** Nobody is to hear only that it is past. */
  isAnswered: boolean;
  /** Until it may be told. */
  delaySeconds: number;
  /** For an admin who has heard of the beginning. */
  resolved: string;
  /** For one who has not: it says what was, and when. */
  past: string;
};

/**
 * A beginning that may be on its way to Telegram just now is given so long before its end is told: longer than one send can take, so
 * that the end never overtakes it.
 */
const ON_ITS_WAY_SECONDS = 25;

/** Alerts as rows of `notification_queue`. Every method is one short transaction, and repeating it changes nothing more. */
export class AlertRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Queues beginnings, each once. Answers the ids of those that wait: added now, or before and sent by nobody yet. */
  async begin(rows: readonly (AlertRow & { delaySeconds: number })[]): Promise<string[]> {
    const added = await this.#insert(this.#db, rows);
    if (added.length === rows.length) return added;
    const { rows: waiting } = await sql<{ id: string }>`
      select id from notification_queue where id = any(${rows.map(({ id }) => id)}::uuid[]) and status = 'pending'`.execute(
      this.#db,
    );
    return waiting.map(({ id }) => id);
  }

  /**
   * Queues what happened once. The first about its subject is due at once. One within `mergeMs` of the last is due when that time is
   * over; `combine` makes one text of what waits already and of this. Nothing waits for another subject. One within `onceWithinMs` of the
   * last is not told again, unless that one could not be delivered.
   */
  async event(
    row: AlertRow & { repeatId: string },
    { mergeMs, onceWithinMs = 0, waitMs: leastMs = 0 }: EventPolicy,
    combine: (waiting?: string) => string,
  ): Promise<void> {
    const { first, last } = subjectIds(row.id);
    await this.#db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${first}, 0))`.execute(transaction);
      const { rows } = await sql<EarlierEvent>`
        select id, message, status = 'pending' and attempts = 0 and right(id::text, 1) = ${PHASE_DIGITS.repeat} as may_wait,
               extract(epoch from scheduled_at - now())::float8 * 1000 as due_in_ms,
               extract(epoch from case when status = 'sent' then scheduled_at else created_at end - now())::float8 * 1000
                 + ${mergeMs}::float8 as next_in_ms,
               status <> 'failed' and created_at > now() - ${onceWithinMs}::float8 * interval '1 millisecond' as is_enough
          from notification_queue
         where id between ${first}::uuid and ${last}::uuid and notification_type = ${row.type}
           and created_at > now() - ${Math.max(onceWithinMs, 2 * mergeMs)}::float8 * interval '1 millisecond'`.execute(
        transaction,
      );
      if (rows.some((one) => one.is_enough)) return;
      const waiting = rows.find((one) => one.may_wait && isUnclaimed(one, rows));
      if (waiting) await sql`delete from notification_queue where id = ${waiting.id}::uuid`.execute(transaction);
      const before = rows.filter((one) => one !== waiting);
      const waitMs = Math.max(0, ...before.map((one) => one.next_in_ms));
      const added = waitMs > 0 ? { ...row, id: row.repeatId, message: combine(waiting?.message) } : row;
      await this.#insert(transaction, [{ ...added, delaySeconds: Math.max(waitMs, leastMs) / 1000 }]);
    });
  }

  /**
   * Tells that an alert is over: RESOLVED to those who were told of its beginning; to the others, in its place, what was and when.
   * Answers the rows that are to be sent now.
   */
  async end(ends: readonly AlertEnd[]): Promise<AlertRow[]> {
    return this.#db.transaction().execute(async (transaction) => {
      const due: AlertRow[] = [];
      for (const { beginId, delaySeconds: wait, id, isAnswered, isTold, past, resolved, telegramId, type } of ends) {
        const begin = await this.#withdraw(transaction, beginId);
        const wasTold = begin === 'sent' || (begin === 'no_row' && isTold);
        if (isAnswered && !wasTold && begin !== 'on_its_way') continue;
        const row = { id, telegramId, type, message: wasTold ? resolved : past };
        const delaySeconds = Math.max(wait, begin === 'on_its_way' ? ON_ITS_WAY_SECONDS : 0);
        const [added] = await this.#insert(transaction, [{ ...row, delaySeconds }]);
        if (added !== undefined && delaySeconds === 0) due.push(row);
      }
      return due;
    });
  }

  /** Takes beginnings back that nobody has heard of yet. One that may be on its way is not sent again. */
  async withdraw(rows: readonly Omit<AlertRow, 'message'>[]): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      for (const row of rows) {
        if ((await this.#withdraw(transaction, row.id)) !== 'on_its_way') continue;
        const mark = endRowId(row.id)!;
        await this.#insert(transaction, [{ ...row, id: mark, message: '', delaySeconds: 0 }]);
        await this.#settleObsolete(transaction, mark);
      }
    });
  }

  /** Takes back those of these beginnings that wait. One that may be on its way stays. */
  async hush(ids: readonly string[]): Promise<void> {
    await sql`
      update notification_queue set status = 'failed', error_message = 'obsolete'
       where id = any(${ids}::uuid[]) and status = 'pending'
         and (scheduled_at <= now() or scheduled_at > now() + ${LONGEST_CLAIM_SECONDS}::float8 * interval '1 second')`.execute(
      this.#db,
    );
  }

  /** Whether a row whose id lies in one of these was sent, or told another way. */
  async isReached(ranges: readonly IdRange[]): Promise<boolean> {
    const { rows } = await sql`
      select 1 from notification_queue join ${joined(ranges)} on id between first and last
       where status = 'sent' or error_message = ${ANOTHER_WAY} limit 1`.execute(this.#db);
    return rows.length > 0;
  }

  /** Whether the reader of one of these rows got it by e-mail or webhook. */
  async isToldAnotherWay(ids: readonly string[]): Promise<boolean> {
    const { rows } = await sql`
      select 1 from notification_queue where id = any(${ids}::uuid[]) and error_message = ${ANOTHER_WAY} limit 1`.execute(
      this.#db,
    );
    return rows.length > 0;
  }

  /** Takes back the beginnings in these that are not sent: they count as told. One that is on its way this moment may still arrive. */
  async toldAnotherWay(ranges: readonly IdRange[]): Promise<void> {
    await sql`
      update notification_queue set status = 'failed', error_message = ${ANOTHER_WAY} from ${joined(ranges)}
       where id between first and last and right(id::text, 1) <> ${PHASE_DIGITS.end} and status = 'pending'`.execute(
      this.#db,
    );
  }

  /** Whether the end of what this row tells has been queued, told or marked. */
  async isOver(id: string): Promise<boolean> {
    if (!BEGINS.has(id.slice(-1))) return false;
    const { first, last } = sameBeginning(id);
    const { rows } = await sql`
      select 1 from notification_queue
       where id between ${first}::uuid and ${last}::uuid and right(id::text, 1) = ${PHASE_DIGITS.end}`.execute(
      this.#db,
    );
    return rows.length > 0;
  }

  /** The beginnings among these, given with any time, whose subject has one that is told or about to be and is not over: since when. */
  async stillOn(ids: readonly string[]): Promise<(Date | undefined)[]> {
    if (ids.length === 0) return [];
    const ranges = ids.map(subjectIds);
    const { rows } = await sql<{ n: number; id: string }>`
      select wanted.n::int as n, latest.id
        from unnest(${ranges.map(({ first }) => first)}::uuid[], ${ranges.map(({ last }) => last)}::uuid[])
             with ordinality as wanted(first, last, n)
       cross join lateral (
         select id, status, error_message from notification_queue
          where id between wanted.first and wanted.last and right(id::text, 1) = ${PHASE_DIGITS.beginning}
          order by created_at desc, id desc limit 1) as latest
       where (latest.status in ('pending', 'sent') or latest.error_message = ${ANOTHER_WAY})
         and not exists (select 1 from notification_queue as ending
                          where ending.id = overlay(latest.id::text placing ${PHASE_DIGITS.end} from 36)::uuid)`.execute(
      this.#db,
    );
    const since = new Map(rows.map(({ id, n }) => [n, beganAt(id)]));
    return ids.map((_, i) => since.get(i + 1));
  }

  /** What became of a beginning: told, withdrawn just now or before, or perhaps with a worker that is sending it. */
  async #withdraw(transaction: Database, id: string): Promise<'sent' | 'not_told' | 'on_its_way' | 'no_row'> {
    const { rows } = await sql<{ status: string; is_due: boolean; is_told: boolean }>`
      select status, scheduled_at <= now() as is_due, status = 'sent' or coalesce(error_message = ${ANOTHER_WAY}, false) as is_told from notification_queue where id = ${id}::uuid for update`.execute(
      transaction,
    );
    const [begin] = rows;
    if (!begin) return 'no_row';
    if (begin.is_told) return 'sent';
    if (begin.status !== 'pending') return 'not_told';
    if (!begin.is_due) return 'on_its_way';
    await this.#settleObsolete(transaction, id);
    return 'not_told';
  }

  async #settleObsolete(transaction: Database, id: string): Promise<void> {
    await sql`
      update notification_queue set status = 'failed', error_message = 'obsolete'
       where id = ${id}::uuid and status = 'pending'`.execute(transaction);
  }

  async #insert(db: Database, rows: readonly (AlertRow & { delaySeconds: number })[]): Promise<string[]> {
    if (rows.length === 0) return [];
    const { rows: added } = await sql<{ id: string }>`
      insert into notification_queue
             (id, telegram_id, message, notification_type, status, attempts, scheduled_at, created_at)
      select id, telegram_id, message, type, 'pending', 0, now() + delay * interval '1 second', now()
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.telegramId)}::bigint[],
                    ${rows.map((row) => row.message)}::text[], ${rows.map((row) => row.type)}::text[],
                    ${rows.map((row) => row.delaySeconds)}::float8[]) as new(id, telegram_id, message, type, delay)
      on conflict (id) do nothing
      returning id`.execute(db);
    return added.map(({ id }) => id);
  }
}

type IdRange = ReturnType<typeof sameBeginning>;

/** Ranges of ids, to join with. */
const joined = (ranges: readonly IdRange[]) =>
  sql`unnest(${ranges.map(({ first }) => first)}::uuid[], ${ranges.map(({ last }) => last)}::uuid[]) as wanted(first, last)`;

/** The last digits of rows that tell a beginning. */
const BEGINS: ReadonlySet<string> = new Set([PHASE_DIGITS.beginning, PHASE_DIGITS.again]);

/** The reason of a row that nobody has to send any more: its reader got it by e-mail or webhook. */
const ANOTHER_WAY = 'told_another_way';

/** A row that waits for longer is not in the hands of a worker: no claim lasts longer. */
const LONGEST_CLAIM_SECONDS = 600;

type EarlierEvent = {
  id: string;
  message: string;
  may_wait: boolean;
  is_enough: boolean;
  due_in_ms: number;
  next_in_ms: number;
};

/** Milliseconds that two readings of one time may differ by. */
const READING_MS = 5;

/** A claim moves a row past the time that the rows before it gave it. */
function isUnclaimed(row: EarlierEvent, all: readonly EarlierEvent[]): boolean {
  const planned = Math.max(...all.filter((one) => one !== row).map((one) => one.next_in_ms));
  return row.due_in_ms > 0 && row.due_in_ms <= planned + READING_MS;
}
