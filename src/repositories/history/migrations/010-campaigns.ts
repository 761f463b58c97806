import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { BUILT_IN_CAMPAIGN } from '../built-in-campaign.ts';

/**
 * Campaigns of staff, the built-in one of the four reminders among them, and which customer was told which step in which period. These
 * records are kept for 400 days, which is longer than a step can be due: the longest distance is a year.
 */
export const campaignsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.campaigns (
      id uuid primary key,
      name text not null,
      trigger text not null check (trigger in ('before_end', 'after_end', 'not_connected', 'traffic', 'silent')),
      steps jsonb not null,
      audience jsonb not null,
      holdout_percent smallint not null check (holdout_percent between 0 and 90),
      in_place_of_built_in boolean not null,
      state text not null check (state in ('paused', 'running', 'ended')),
      version integer not null default 1,
      created_by text not null,
      created_at timestamptz not null default now(),
      changed_by text,
      changed_at timestamptz,
      ended_at timestamptz
    )`.execute(db);
    await sql`create index campaigns_created on task_worker.campaigns (created_at, id)`.execute(db);
    await sql`
    insert into task_worker.campaigns (id, name, trigger, steps, audience, holdout_percent, in_place_of_built_in, state, created_by)
    values (${BUILT_IN_CAMPAIGN}, 'built-in', 'before_end',
            '[{"at":168,"texts":{}},{"at":72,"texts":{}},{"at":24,"texts":{}},{"at":6,"texts":{}}]', '{}', 0, false, 'running', 'task-worker')`.execute(
      db,
    );
    await sql`
    create table task_worker.campaign_sends (
      campaign uuid not null references task_worker.campaigns,
      username text not null,
      period text not null,
      step integer not null,
      chat bigint not null,
      part text not null check (part in ('told', 'held_out')),
      message uuid not null,
      expires_at timestamptz not null,
      at timestamptz not null,
      primary key (campaign, username, period, step)
    )`.execute(db);
    await sql`create index campaign_sends_message on task_worker.campaign_sends (message)`.execute(db);
    await sql`create index campaign_sends_chat on task_worker.campaign_sends (chat, at)`.execute(db);
    await sql`create index campaign_sends_at on task_worker.campaign_sends (at)`.execute(db);
    await sql`create index campaign_sends_username on task_worker.campaign_sends (username, period)`.execute(db);
    await sql`
    create function task_worker.forget_campaign_sends(today date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not delete what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - 400;
    begin
      delete from task_worker.campaign_sends where at < oldest;
    end $$`.execute(db);
    await sql`revoke all on function task_worker.forget_campaign_sends(date) from public`.execute(db);
  },
};
