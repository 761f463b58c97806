import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The state of one message to a customer. */
export type MessageRecord = {
  id: string;
  status: 'pending' | 'sent' | 'failed';
  attempts: number;
  createdAt: Date;
  scheduledAt: Date;
  sentAt?: Date;
  error?: string;
};

/** One entry of the audit trail about one entity. */
export type AuditRecord = { action: string; at: Date; oldValue: unknown; newValue: unknown };

/** The worker's past decisions about customers, read from PostgreSQL when Redis has lost them. */
export class Decisions {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The messages among these that were queued, in any status. Clean-up deletes sent and failed ones after 7 days. */
  async queued(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const { rows } = await sql<{ id: string }>`
      select id from notification_queue where id = any(${ids}::uuid[])`.execute(this.#db);
    return new Set(rows.map((row) => row.id));
  }

  /** The same messages in full, by id. */
  async messages(ids: readonly string[]): Promise<ReadonlyMap<string, MessageRecord>> {
    if (ids.length === 0) return new Map();
    const { rows } = await sql<MessageRow>`
      select id, status, attempts, created_at, scheduled_at, sent_at, error_message
        from notification_queue where id = any(${ids}::uuid[])`.execute(this.#db);
    return new Map(rows.map((row) => [row.id, messageRecord(row)]));
  }

  /** Whether the audit trail has this action on this entity. */
  async isAudited(action: string, entityId: string): Promise<boolean> {
    const { rows } = await sql`
      select 1 from audit_logs where action = ${action} and entity_id = ${entityId} limit 1`.execute(this.#db);
    return rows.length > 0;
  }

  /** The newest entries of one action on one entity, newest first. */
  async audited(action: string, entityId: string, limit: number): Promise<AuditRecord[]> {
    const { rows } = await sql<{ action: string; created_at: Date; old_value: unknown; new_value: unknown }>`
      select action, created_at, old_value, new_value
        from audit_logs where action = ${action} and entity_id = ${entityId}
       order by created_at desc limit ${limit}`.execute(this.#db);
    return rows.map((row) => ({
      action: row.action,
      at: row.created_at,
      oldValue: row.old_value,
      newValue: row.new_value,
    }));
  }
}

type MessageRow = {
  id: string;
  status: string;
  attempts: number;
  created_at: Date;
  scheduled_at: Date;
  sent_at: Date | null;
  error_message: string | null;
};

function messageRecord(row: MessageRow): MessageRecord {
  return {
    id: row.id,
    // The Python worker's `processing` counts as pending: the row is sent again.
    status: row.status === 'sent' || row.status === 'failed' ? row.status : 'pending',
    attempts: row.attempts,
    createdAt: row.created_at,
    scheduledAt: row.scheduled_at,
    ...(row.sent_at && { sentAt: row.sent_at }),
    ...(row.error_message !== null && { error: row.error_message }),
  };
}
