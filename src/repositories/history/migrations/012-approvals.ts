import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Acts that wait for the yes of a second person, and what became of them. Kept for half a year. */
export const approvalsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.approvals (
      id uuid primary key,
      kind text not null,
      subject text not null,
      payload jsonb not null,
      digest text not null,
      touches integer,
      asked_by text not null,
      asked_at timestamptz not null,
      expires_at timestamptz not null,
      state text not null check (state in ('waiting', 'approved', 'refused', 'expired', 'failed')),
      decided_by text,
      decided_at timestamptz,
      begun_at timestamptz,
      why text
    )`.execute(db);
    await sql`create unique index approvals_waiting on task_worker.approvals (digest, asked_by) where state = 'waiting'`.execute(
      db,
    );
    await sql`create index approvals_asked on task_worker.approvals (asked_at, id)`.execute(db);
    await sql`
    create function task_worker.forget_approvals(today date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - 180;
    begin
      delete from task_worker.approvals where asked_at < oldest;
    end $$`.execute(db);
    await sql`revoke all on function task_worker.forget_approvals(date) from public`.execute(db);
  },
};
