import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What a broadcast has besides its text, what was sent of it, so that it can be deleted, and what the paid rate has cost. */
export const broadcastExtrasStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.pictures (
      id uuid primary key,
      type text not null,
      width integer not null,
      height integer not null,
      content bytea not null,
      file_id text,
      file_bot text,
      added_by text not null,
      added_at timestamptz not null default now()
    )`.execute(db);
    await sql`
    alter table task_worker.broadcasts
      add column buttons jsonb not null default '[]',
      add column picture uuid references task_worker.pictures,
      add column is_paid boolean not null default false,
      add column stars_limit integer,
      add column paid_messages integer not null default 0,
      add column held_because text,
      add column rows_prefix text,
      add column estimate jsonb,
      add column estimated_at timestamptz,
      add column deletion_asked_at timestamptz,
      add column deletion_asked_by text,
      add column deletion_ended_at timestamptz`.execute(db);
    await sql`create index broadcasts_rows on task_worker.broadcasts (rows_prefix)`.execute(db);
    await sql`create index broadcasts_deleting on task_worker.broadcasts (deletion_asked_at) where deletion_ended_at is null`.execute(
      db,
    );
    await sql`
    alter table task_worker.broadcast_chats
      add column messages bigint[],
      add column sent_at timestamptz,
      add column deletion text`.execute(db);
    await sql`
    create or replace function task_worker.forget_broadcasts(today date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - 180;
    begin
      delete from task_worker.broadcasts where created_at < oldest and state in ('cancelled', 'done');
      delete from task_worker.pictures as picture
       where added_at < oldest and not exists (select from task_worker.broadcasts where broadcasts.picture = picture.id);
    end $$`.execute(db);
  },
};
