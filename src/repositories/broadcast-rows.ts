import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';

/** Ids of one broadcast's rows: `domain/notifications/broadcast-ids.ts`. */
type Range = { readonly first: string; readonly last: string };

export type BroadcastCounts = {
  /** To be sent, or in a worker's hands. */
  pending: number;
  paused: number;
  sent: number;
  /** Will not be sent; without those that were withdrawn. */
  failed: number;
  withdrawn: number;
};

/** Never due. A paused row stays `pending`, so that whoever has it in hand just now can still write down that it went out. */
const PAUSED_UNTIL = new Date('9999-01-01T00:00:00Z');
const WITHDRAWN = 'withdrawn: the broadcast was cancelled';
/** Rows in one statement, so that none holds its locks for long. */
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

  /** Failed rows with their reasons, at most `limit`. */
  async failures(range: Range, limit: number): Promise<{ telegramId: number; error: string }[]> {
    const { rows } = await sql<{ telegram_id: number; error_message: string | null }>`
      select telegram_id, error_message from notification_queue
       where ${inside(range)} and status = 'failed' and error_message is distinct from ${WITHDRAWN}
       order by id limit ${limit}`.execute(this.#db);
    return rows.map((row) => ({ telegramId: row.telegram_id, error: row.error_message ?? 'unknown' }));
  }

  /**
   * Makes what is to be sent never due. A row that a worker has in hand may still go out, or come back as due: ask again until no
   * pending one is left.
   */
  async pause(range: Range): Promise<number> {
    return this.#change(range, sql`scheduled_at = ${PAUSED_UNTIL}`, sql`scheduled_at < ${PAUSED_UNTIL}`);
  }

  /** Makes paused rows due now. */
  async resume(range: Range): Promise<number> {
    return this.#change(range, sql`scheduled_at = now()`, sql`scheduled_at >= ${PAUSED_UNTIL}`);
  }

  /**
   * Ends what is not sent. Rows that may be in a worker's hands, which is for at most `leaseMs`, are left: they are sent or given back
   * within that time, so ask again until no pending one is left.
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
