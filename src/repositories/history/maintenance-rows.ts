import { sql } from 'kysely';
import type { Database } from '../database.ts';

/** A time in which nobody is alerted about a node. */
export type MaintenanceWindow = {
  id: string;
  /** The uuid. */
  node: string;
  name: string;
  beginsAt: Date;
  /** The planned end, or when a person ended it. One that was ended before it began ends at its beginning. */
  endsAt: Date;
  reason: string;
  /** The initiators. */
  madeBy: string;
  madeAt: Date;
  endedBy?: string | undefined;
};

/** What a person asks for. It begins now where `from` is absent. */
export type PlannedMaintenance = {
  node: string;
  name: string;
  from?: Date | undefined;
  to: Date;
  reason: string;
  by: string;
};

/** Maintenance windows in our own schema. */
export class MaintenanceRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Those that end after `after`, the latest beginning first. */
  async list({
    after,
    limit,
    node,
  }: {
    after?: Date | undefined;
    limit: number;
    node?: string | undefined;
  }): Promise<MaintenanceWindow[]> {
    const { rows } = await sql<Row>`
      select id, node, name, begins_at, ends_at, reason, made_by, made_at, ended_by from task_worker.maintenance_windows
       where ${node ? sql`node = ${node}` : sql`true`} and ${after ? sql`ends_at > ${after}` : sql`true`}
       order by begins_at desc, id limit ${limit}`.execute(this.#db);
    return rows.map(windowOf);
  }

  async find(id: string): Promise<MaintenanceWindow | undefined> {
    const { rows } = await sql<Row>`
      select id, node, name, begins_at, ends_at, reason, made_by, made_at, ended_by
        from task_worker.maintenance_windows where id = ${id}`.execute(this.#db);
    return rows.map(windowOf)[0];
  }

  /** False where a window of this node covers the same time already; nothing is added then. */
  async add(window: MaintenanceWindow): Promise<boolean> {
    const { beginsAt, endsAt, id, madeAt, madeBy, name, node, reason } = window;
    const { numAffectedRows } = await sql`
      insert into task_worker.maintenance_windows (id, node, name, begins_at, ends_at, reason, made_by, made_at)
      select ${id}::uuid, ${node}, ${name}, ${beginsAt}::timestamptz, ${endsAt}::timestamptz, ${reason}, ${madeBy}, ${madeAt}::timestamptz
       where not exists (select from task_worker.maintenance_windows
                          where node = ${node} and begins_at <= ${beginsAt} and ends_at >= ${endsAt})`.execute(
      this.#db,
    );
    return numAffectedRows === 1n;
  }

  /** Ends it now, or before it begins. False where it was over. */
  async end(id: string, by: string, now: Date): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update task_worker.maintenance_windows set ends_at = greatest(begins_at, ${now}), ended_by = ${by}
       where id = ${id} and ends_at > ${now} and ended_by is null`.execute(this.#db);
    return numAffectedRows === 1n;
  }
}

type Row = {
  id: string;
  node: string;
  name: string;
  begins_at: Date;
  ends_at: Date;
  reason: string;
  made_by: string;
  made_at: Date;
  ended_by: string | null;
};

const windowOf = (row: Row): MaintenanceWindow => ({
  ...{ id: row.id, node: row.node, name: row.name, reason: row.reason },
  beginsAt: row.begins_at,
  endsAt: row.ends_at,
  madeBy: row.made_by,
  madeAt: row.made_at,
  endedBy: row.ended_by ?? undefined,
});

/** The one that is on at this time: of several, the one that ends last. */
export const windowAt = (windows: readonly MaintenanceWindow[], at: Date): MaintenanceWindow | undefined =>
  windows
    .filter(({ beginsAt, endsAt }) => beginsAt <= at && at < endsAt)
    .reduce<MaintenanceWindow | undefined>((last, one) => (last && last.endsAt >= one.endsAt ? last : one), undefined);
