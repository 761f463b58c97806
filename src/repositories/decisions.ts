import { sql } from 'kysely';
import { z } from 'zod';
import { type ItemKind, type OnRead, readEach } from '../lib/read-each.ts';
import { momentColumn } from './columns.ts';
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
export type AuditRecord = {
  action: string;
  /** Undefined where the row has no time that a calendar has. */
  at: Date | undefined;
  oldValue: unknown;
  newValue: unknown;
};

/** The worker's past decisions about customers, read from PostgreSQL when Redis has lost them. */
export class Decisions {
  readonly #db: Database;
  readonly #onRead: OnRead | undefined;

  constructor(db: Database, onRead?: OnRead) {
    this.#db = db;
    this.#onRead = onRead;
  }

  /** The messages among these that were queued, in any status. Clean-up deletes sent and failed ones after 7 days. */
  async queued(ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const { rows } = await sql<{ id: string }>`
      select id from notification_queue where id = any(${ids}::uuid[])`.execute(this.#db);
    return new Set(rows.map((row) => row.id));
  }

  /** The same messages in full, by id; `unreadable` where a row is there and cannot be read. */
  async messages(ids: readonly string[]): Promise<ReadonlyMap<string, MessageRecord | 'unreadable'>> {
    if (ids.length === 0) return new Map();
    const { rows } = await sql<{ id: string }>`
      select id, status, attempts, created_at, scheduled_at, sent_at, error_message
        from notification_queue where id = any(${ids}::uuid[])`.execute(this.#db);
    const { items } = readEach(rows, messages, this.#onRead);
    const readable = new Map(items.map((item) => [item.id, item]));
    return new Map(rows.map(({ id }) => [id, readable.get(id) ?? 'unreadable']));
  }

  /** Whether the audit trail has this action on this entity. */
  async isAudited(action: string, entityId: string): Promise<boolean> {
    const { rows } = await sql`
      select 1 from audit_logs where action = ${action} and entity_id = ${entityId} limit 1`.execute(this.#db);
    return rows.length > 0;
  }

  /**
   * The newest entries of one action on one panel user, newest first. The name decides where an entry has one: an id may be of another
   * generation of panel, or have been given to somebody else since.
   */
  async audited(action: string, user: { id: string; username: string }, limit: number): Promise<AuditRecord[]> {
    const { rows } = await sql<{ action: string; created_at: Date; old_value: unknown; new_value: unknown }>`
      select action, created_at, old_value, new_value
        from audit_logs
       where action = ${action}
         and case when new_value ->> 'username' is null then entity_id = ${user.id}
                  else lower(new_value ->> 'username') = ${user.username.toLowerCase()} end
       order by created_at desc limit ${limit}`.execute(this.#db);
    return rows.map((row) => ({
      action: row.action,
      at: momentColumn.safeParse(row.created_at).data,
      oldValue: row.old_value,
      newValue: row.new_value,
    }));
  }
}

const MessageRow = z.object({
  id: z.string(),
  status: z.string(),
  attempts: z.int(),
  created_at: momentColumn,
  scheduled_at: momentColumn,
  sent_at: momentColumn.nullable(),
  error_message: z.string().nullable(),
});
type MessageRow = z.output<typeof MessageRow>;

const messages: ItemKind<MessageRecord> = {
  source: 'messages',
  names: ['id'],
  schema: MessageRow.transform((row) => messageRecord(row)),
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
