import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Alerts, incidents of nodes and services, and how long each node served on each day. They are few, and are kept for half a year. */
export const incidentsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.alerts (
      id uuid primary key,
      alert text not null,
      kind text not null,
      subject text not null,
      severity text not null check (severity in ('critical', 'warning', 'info')),
      lasts boolean not null,
      began_at timestamptz not null,
      told_at timestamptz,
      ended_at timestamptz,
      text text,
      acknowledged_by text,
      acknowledged_at timestamptz,
      muted_by text,
      muted_until timestamptz
    )`.execute(db);
    await sql`create index alerts_began on task_worker.alerts (began_at, id)`.execute(db);
    await sql`create index alerts_alert on task_worker.alerts (alert, began_at)`.execute(db);
    await sql`
    create table task_worker.incidents (
      id uuid primary key,
      kind text not null check (kind in ('node', 'service')),
      subject text not null,
      name text not null,
      began_at timestamptz not null,
      ended_at timestamptz,
      reason text,
      users_affected integer,
      acknowledged_by text,
      acknowledged_at timestamptz
    )`.execute(db);
    await sql`create index incidents_began on task_worker.incidents (began_at, id)`.execute(db);
    await sql`create index incidents_subject on task_worker.incidents (subject, began_at)`.execute(db);
    await sql`
    create table task_worker.node_days (
      node text not null,
      day date not null,
      name text not null,
      up_ms bigint not null,
      down_ms bigint not null,
      looked_at timestamptz not null,
      primary key (node, day)
    )`.execute(db);
    await sql`
    create function task_worker.forget_incidents(today date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - 180;
    begin
      delete from task_worker.alerts where began_at < oldest;
      delete from task_worker.incidents where began_at < oldest;
      delete from task_worker.node_days where day < oldest;
    end $$`.execute(db);
    await sql`revoke all on function task_worker.forget_incidents(date) from public`.execute(db);
  },
};
