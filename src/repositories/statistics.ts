import { sql } from 'kysely';
import type { Interval } from '../lib/utc-days.ts';
import type { Database } from './database.ts';

/** Figures over the platform's tables that no other repository has. Each is one bounded statement. */
export class Statistics {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Counts of admins' actions, the 50 most frequent. Entries of the worker and the backend have no admin and do not count. */
  async adminOperations({ from, to }: Interval): Promise<Record<string, number>> {
    const { rows } = await sql<{ action: string; n: number }>`
      select action, count(*)::int as n from audit_logs
       where admin_id is not null and created_at >= ${from} and created_at < ${to}
       group by action order by n desc, action limit 50`.execute(this.#db);
    return Object.fromEntries(rows.map(({ action, n }) => [action, n]));
  }

  /** Rows of messages delivered in the interval, and of those due in it that will not be, by reason. Rows are kept for 7 days. */
  async notifications({ from, to }: Interval): Promise<{ sent: number; byReason: Record<string, number> }> {
    const { rows } = await sql<{ reason: string | null; n: number }>`
      select null as reason, count(*)::int as n from notification_queue
       where status = 'sent' and sent_at >= ${from} and sent_at < ${to}
       union all
      select coalesce(substring(error_message from '^([a-z_]{1,40})(?::|$)'), 'other'), count(*)::int from notification_queue
       where status = 'failed' and scheduled_at >= ${from} and scheduled_at < ${to}
       group by 1`.execute(this.#db);
    const failed = rows.filter((row): row is { reason: string; n: number } => row.reason !== null);
    return {
      sent: rows.find(({ reason }) => reason === null)?.n ?? 0,
      byReason: Object.fromEntries(failed.map(({ n, reason }) => [reason, n])),
    };
  }

  /**
   * The number of payments created in the interval that the worker completed alone, without the backend's commissions, invites and orders.
   */
  async completedWithoutBackend({ from, to }: Interval): Promise<number> {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from payments
       where status = 'completed' and created_at >= ${from} and created_at < ${to}
         and metadata #>> '{worker,settled_by}' = 'worker'`.execute(this.#db);
    return rows[0]!.n;
  }
}
