import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';

/** One entry of `audit_logs`. */
export type AuditTrailEntry = {
  id: string;
  at: Date;
  action: string;
  entityType: string | undefined;
  entityId: string | undefined;
  /** The person whose token it was; undefined for what the worker did on its own and for entries of the platform. */
  by: string | undefined;
  role: string | undefined;
  address: string | undefined;
  agent: string | undefined;
  oldValue: unknown;
  newValue: unknown;
};

export type AuditFilter = {
  /** The beginning of the action, as `payment.`. */
  action?: string | undefined;
  by?: string | undefined;
  /** The names of one thing: any of them. */
  entities?: readonly string[] | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
};

/** A place between two entries: the next page begins after it. The time is PostgreSQL's text in UTC, exact to the microsecond. */
export type AuditCursor = { at: string; id: string };

/** Reads who did what. Writing is `AuditLogs`'. */
export class AuditTrail {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** One page, the newest first. */
  async search(
    filter: AuditFilter,
    { after, limit }: { after?: AuditCursor | undefined; limit: number },
  ): Promise<{ entries: AuditTrailEntry[]; next: AuditCursor | undefined }> {
    const place = after ? [sql`(created_at, id) < (${after.at}::timestamp at time zone 'utc', ${after.id}::uuid)`] : [];
    const { rows } = await sql<Row>`
      select id, created_at, (created_at at time zone 'utc')::text as at, action, entity_type, entity_id, old_value, new_value, ip_address, user_agent
        from audit_logs where ${where(filter, place)}
       order by created_at desc, id desc limit ${limit + 1}`.execute(this.#db);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next = rows.length > limit && last ? { at: last.at, id: last.id } : undefined;
    return { entries: shown.map(asEntry), next };
  }
}

type Row = {
  id: string;
  created_at: Date;
  at: string;
  action: string;
  entity_type: string | null;
  entity_id: string | null;
  old_value: unknown;
  new_value: unknown;
  ip_address: string | null;
  user_agent: string | null;
};

function asEntry(row: Row): AuditTrailEntry {
  const { by, role } = (typeof row.new_value === 'object' && row.new_value !== null ? row.new_value : {}) as Record<
    string,
    unknown
  >;
  return {
    id: row.id,
    at: row.created_at,
    action: row.action,
    entityType: row.entity_type ?? undefined,
    entityId: row.entity_id ?? undefined,
    by: typeof by === 'string' ? by : undefined,
    role: typeof role === 'string' ? role : undefined,
    address: row.ip_address ?? undefined,
    agent: row.user_agent ?? undefined,
    oldValue: row.old_value ?? undefined,
    newValue: row.new_value ?? undefined,
  };
}

function where({ action, by, entities, from, to }: AuditFilter, more: RawBuilder<unknown>[]): RawBuilder<unknown> {
  const conditions = [
    // Rows whose time no calendar has are not listed.
    sql`isfinite(created_at)`,
    action !== undefined && sql`starts_with(action, ${action})`,
    by !== undefined && sql`new_value ->> 'by' = ${by}`,
    entities && sql`entity_id = any(${entities})`,
    from && sql`created_at >= ${from}`,
    to && sql`created_at < ${to}`,
    ...more,
  ].filter((one) => typeof one === 'object');
  return sql.join(conditions, sql` and `);
}
