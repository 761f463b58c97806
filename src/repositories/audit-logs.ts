import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { uuidFrom } from '../lib/uuid.ts';
import type { Database } from './database.ts';
import { type RowVersion, WITHOUT_WAITING_FOR_DISK } from './heap-walk.ts';

export type AuditEntry = {
  /** Set where the same decision may be written twice: an entry whose id exists stays as it is. */
  id?: string;
  /** When it was done, where that is not now. */
  at?: Date;
  /** Dotted, as the backend writes them: `subscription.disabled`. */
  action: string;
  entityType: string;
  entityId: string;
  oldValue?: unknown;
  newValue?: unknown;
  /** Where the request of a person or program came from; absent where nobody asked. */
  from?: { address: string; agent: string };
};

/** The entry that says since when a worker stands beside this database. One id, so that there is one. */
export const FIRST_START_ACTION = 'worker.first_started';
const FIRST_START_ID = uuidFrom(FIRST_START_ACTION);

/** Rows held in memory at once while they are archived: they may be large. */
const ARCHIVE_CHUNK = 100;

/** The platform's record of who did what. The worker is a system: no admin, `ip_address` "system" where nobody asked. */
export class AuditLogs {
  readonly #db: Database;
  readonly #userAgent: string;

  constructor(db: Database, version: string) {
    this.#db = db;
    this.#userAgent = `task-worker/${version}`;
  }

  /** Writes all entries in one statement. Pass a transaction where the entry must not exist without the change. */
  async write(entries: readonly AuditEntry[], db: Database = this.#db): Promise<void> {
    if (entries.length === 0) return;
    const rows = entries.map(({ id, at, action, entityType, entityId, from, oldValue, newValue }) => ({
      id: id ?? randomUUID(),
      admin_id: null,
      action,
      entity_type: entityType,
      entity_id: entityId,
      old_value: oldValue === undefined ? null : JSON.stringify(oldValue),
      new_value: newValue === undefined ? null : JSON.stringify(newValue),
      ip_address: from?.address ?? 'system',
      user_agent: from?.agent ?? this.#userAgent,
      ...(at && { created_at: at }),
    }));
    await db
      .insertInto('audit_logs')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  /**
   * When a worker first started beside this database: the entry of that moment, made now where there is none, or an older entry of a worker.
   * The archive leaves that entry alone.
   */
  async firstStart(startedAt: Date): Promise<Date> {
    const { rows } = await sql<{ since: Date }>`
      with made as (
        insert into audit_logs (id, action, entity_type, entity_id, new_value, ip_address, user_agent)
        select ${FIRST_START_ID}, ${FIRST_START_ACTION}, 'worker', 'first_start',
               jsonb_build_object('since', coalesce(
                 (select min(created_at) from audit_logs where user_agent like 'task-worker/%'), ${startedAt}::timestamptz)),
               'system', ${this.#userAgent}
         where not exists (select from audit_logs where id = ${FIRST_START_ID})
        on conflict (id) do nothing
        returning new_value)
      select (new_value ->> 'since')::timestamptz as since
        from (select new_value from made union all select new_value from audit_logs where id = ${FIRST_START_ID}) as entry
       limit 1`.execute(this.#db);
    // Another process has just made it, and this statement does not see it yet.
    return rows[0]?.since ?? startedAt;
  }

  /** These rows as JSON, one line each, with every column that the table has, including those that this worker does not know. */
  async *archiveLines(ids: readonly string[]): AsyncGenerator<string> {
    // The ids are one array parameter. A thousand rows are read a hundred at a time.
    const rows = this.#db
      .selectFrom('audit_logs')
      .select(sql<string>`row_to_json(audit_logs)::text`.as('line'))
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .orderBy('created_at')
      .orderBy('id')
      .stream(ARCHIVE_CHUNK);
    for await (const { line } of rows) yield `${line}\n`;
  }

  /** Deletes the rows that have not changed since they were picked. Returns their number. */
  async deleteUnchanged(rows: readonly RowVersion[]): Promise<number> {
    const { numAffectedRows } = await sql`
      with unchanged as (
        select logs.ctid
          from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.version)}::text[]) as picked(id, version)
          join audit_logs as logs on logs.id = picked.id and logs.xmin::text = picked.version
         where ${WITHOUT_WAITING_FOR_DISK}
           for update of logs skip locked
      )
      delete from audit_logs where ctid = any(array(select ctid from unchanged))`.execute(this.#db);
    return Number(numAffectedRows);
  }
}
