import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What each mass act did, subject by subject, with what stood before, and what became of undoing it. Kept as long as runs are. */
export const receiptsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.receipts (
      id uuid primary key,
      job_id text not null,
      task text not null,
      initiated_by text not null,
      began_at timestamptz not null,
      ended_at timestamptz,
      lost bigint not null default 0
    )`.execute(db);
    await sql`create index receipts_began on task_worker.receipts (began_at, id)`.execute(db);
    await sql`create index receipts_job on task_worker.receipts (job_id)`.execute(db);
    await sql`
    create table task_worker.receipt_lines (
      receipt uuid not null references task_worker.receipts on delete cascade,
      act uuid not null,
      is_message boolean not null,
      effect text not null,
      subject text not null,
      panel_id text,
      detail text,
      was jsonb,
      begun_at timestamptz not null,
      done_at timestamptz,
      undo_state text check (undo_state in ('begun', 'undone', 'left')),
      undo_job text,
      undo_at timestamptz,
      undo_note text,
      primary key (receipt, act)
    )`.execute(db);
    await sql`create index receipt_lines_subject on task_worker.receipt_lines (subject, begun_at)`.execute(db);
    await sql`
    create function task_worker.forget_receipts(today date, kept_days integer) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - greatest(kept_days, 1);
    begin
      delete from task_worker.receipts where began_at < oldest;
    end $$`.execute(db);
    await sql`revoke all on function task_worker.forget_receipts(date, integer) from public`.execute(db);
  },
};
