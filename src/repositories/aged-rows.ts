import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { FIRST_START_ACTION } from './audit-logs.ts';
import type { Database } from './database.ts';
import { HeapWalk } from './heap-walk.ts';

/**
 * The rows that may be deleted, by table. Every comparison is with a time that the caller gives; a row of exactly that time stays.
 * The `+ interval '0'` keeps the planner from using an index: see `HeapWalk`.
 */
export class AgedRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Tokens that can no longer be used at `now`: expired, or revoked. */
  refreshTokens(now: Date): HeapWalk {
    const isDead = sql<SqlBool>`(${olderThan(sql`expires_at`, now)} or ${olderThan(sql`revoked_at`, now)})`;
    return new HeapWalk(this.#db, 'refresh_tokens', isDead);
  }

  /** All but the one that says since when a worker stands here. */
  auditLogs(before: Date): HeapWalk {
    const isAged = sql<SqlBool>`(${olderThan(sql`created_at`, before)} and action <> ${FIRST_START_ACTION})`;
    return new HeapWalk(this.#db, 'audit_logs', isAged);
  }

  webhookLogs(before: Date): HeapWalk {
    return new HeapWalk(this.#db, 'webhook_logs', olderThan(sql`created_at`, before));
  }

  /** Sent and failed rows that were made, due and sent before then. A pending row is never among them, however old. */
  notifications(before: Date): HeapWalk {
    const lastTouched = sql`greatest(created_at, scheduled_at, sent_at)`;
    return new HeapWalk(
      this.#db,
      'notification_queue',
      sql`(status in ('sent', 'failed') and ${olderThan(lastTouched, before)})`,
    );
  }
}

const olderThan = (time: RawBuilder<unknown>, before: Date): RawBuilder<SqlBool> =>
  sql`${time} + interval '0' < ${before}::timestamptz`;
