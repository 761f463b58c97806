import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Broadcasts that staff planned, the chats of each, and conditions that were saved to be used again. Kept for half a year. */
export const broadcastsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.broadcasts (
      id uuid primary key,
      name text not null,
      segment jsonb not null,
      texts jsonb not null,
      holdout_percent smallint not null check (holdout_percent between 0 and 90),
      state text not null check (state in ('draft', 'scheduled', 'sending', 'paused', 'cancelled', 'done')),
      send_at timestamptz,
      sent_by text,
      created_by text not null,
      created_at timestamptz not null default now(),
      begun_at timestamptz,
      filled_at timestamptz,
      ended_at timestamptz
    )`.execute(db);
    await sql`create index broadcasts_created on task_worker.broadcasts (created_at, id)`.execute(db);
    await sql`create index broadcasts_open on task_worker.broadcasts (send_at) where state in ('scheduled', 'sending', 'paused')`.execute(
      db,
    );
    await sql`
    create table task_worker.broadcast_chats (
      broadcast uuid not null references task_worker.broadcasts on delete cascade,
      chat bigint not null,
      part text not null check (part in ('told', 'held_out', 'unreachable', 'without_values', 'missed', 'withdrawn')),
      reason text,
      primary key (broadcast, chat)
    )`.execute(db);
    await sql`
    create table task_worker.segments (
      name text primary key,
      conditions jsonb not null,
      saved_by text not null,
      saved_at timestamptz not null default now()
    )`.execute(db);
    await sql`
    create function task_worker.forget_broadcasts(today date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - 180;
    begin
      delete from task_worker.broadcasts where created_at < oldest and state in ('cancelled', 'done');
    end $$`.execute(db);
    await sql`revoke all on function task_worker.forget_broadcasts(date) from public`.execute(db);
  },
};
