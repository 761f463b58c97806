import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';

/** The ids of one broadcast's rows, as `domain/notifications/broadcast-ids.ts` makes them. */
type Range = { readonly first: string; readonly last: string };

export type BroadcastCounts = {
  /** Rows to be sent, or being sent by a worker. */
  pending: number;
  paused: number;
  sent: number;
  /** Rows that will not be sent, without the withdrawn ones. */
  failed: number;
  withdrawn: number;
};

/** A row with this time is never due. A paused row stays `pending`, so that a worker that is sending it can still record the send. */
const PAUSED_UNTIL = new Date('9999-01-01T00:00:00Z');
export const WITHDRAWN = 'withdrawn: the broadcast was cancelled';
/** Rows in one statement: more would hold its locks for long. */
const BATCH = 10_000;

/** The rows of `notification_queue` that belong to one broadcast. */
export class BroadcastRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async count(range: Range): Promise<BroadcastCounts> {
    const { rows } = await sql<BroadcastCounts>`
      select count(*) filter (where status not in ('sent', 'failed') and scheduled_at < ${PAUSED_UNTIL})::int as pending,
             count(*) filter (where status not in ('sent', 'failed') and scheduled_at >= ${PAUSED_UNTIL})::int as paused,
             count(*) filter (where status = 'sent')::int as sent,
             count(*) filter (where status = 'failed' and error_message is distinct from ${WITHDRAWN})::int as failed,
             count(*) filter (where status = 'failed' and error_message = ${WITHDRAWN})::int as withdrawn
        from notification_queue where ${inside(range)}`.execute(this.#db);
    return rows[0]!;
  }

  /** Failed rows with their reasons, at most `limit`. A Telegram id that does not fit into a number is the text that it is. */
  async failures(range: Range, limit: number): Promise<{ telegramId: number | string; error: string }[]> {
    const { rows } = await sql<{ telegram_id: number | string; error_message: string | null }>`
      select telegram_id, error_message from notification_queue
       where ${inside(range)} and status = 'failed' and error_message is distinct from ${WITHDRAWN}
       order by id limit ${limit}`.execute(this.#db);
    return rows.map((row) => ({ telegramId: row.telegram_id, error: row.error_message ?? 'unknown' }));
  }

  /**
   * Makes the pending rows never due. A row that a worker is sending may still go out, or come back as due, so call again until no pending
   * row remains.
   */
  async pause(range: Range): Promise<number> {
    return this.#change(range, sql`scheduled_at = ${PAUSED_UNTIL}`, sql`scheduled_at < ${PAUSED_UNTIL}`);
  }

  /** Makes paused rows due now. */
  async resume(range: Range): Promise<number> {
    return this.#change(range, sql`scheduled_at = now()`, sql`scheduled_at >= ${PAUSED_UNTIL}`);
  }

  /**
   * Ends the rows that are not sent. It skips rows that a worker may be sending: they are sent or given back within `leaseMs`, so call
   * again until no pending row remains.
   */
  async withdraw(range: Range, leaseMs: number): Promise<number> {
    return this.#change(
      range,
      sql`status = 'failed', error_message = ${WITHDRAWN}, scheduled_at = least(scheduled_at, now())`,
      sql`(scheduled_at <= now() or scheduled_at > now() + ${leaseMs} * interval '1 millisecond')`,
    );
  }

  async #change(range: Range, change: RawBuilder<unknown>, condition: RawBuilder<unknown>): Promise<number> {
    let changed = 0;
    let batch: number;
    do {
      const { numAffectedRows } = await sql`
        update notification_queue set ${change}
         where id in (select id from notification_queue
                       where ${inside(range)} and status = 'pending' and ${condition}
                       limit ${BATCH} for update skip locked)`.execute(this.#db);
      batch = Number(numAffectedRows ?? 0);
      changed += batch;
    } while (batch === BATCH);
    return changed;
  }
}

const inside = ({ first, last }: Range): RawBuilder<unknown> => sql`id between ${first}::uuid and ${last}::uuid`;
