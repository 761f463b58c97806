import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Times in which a node may be down without an alert. They are forgotten with the incidents. */
export const maintenanceWindowsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.maintenance_windows (
      id uuid primary key,
      node text not null,
      name text not null,
      begins_at timestamptz not null,
      ends_at timestamptz not null check (ends_at >= begins_at),
      reason text not null,
      made_by text not null,
      made_at timestamptz not null,
      ended_by text
    )`.execute(db);
    await sql`create index maintenance_windows_node on task_worker.maintenance_windows (node, begins_at)`.execute(db);
    await sql`create index maintenance_windows_end on task_worker.maintenance_windows (ends_at)`.execute(db);
    await sql`
    create or replace function task_worker.forget_incidents(today date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - 180;
    begin
      delete from task_worker.alerts where began_at < oldest;
      delete from task_worker.incidents where began_at < oldest;
      delete from task_worker.node_days where day < oldest;
      delete from task_worker.maintenance_windows where ends_at < oldest;
    end $$`.execute(db);
  },
};
