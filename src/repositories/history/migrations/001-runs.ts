import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Runs, one partition for each day in UTC, so that an old day is dropped and not deleted row by row; and their sums by task and hour.
 * The function makes and drops partitions in the name of its owner: the worker's role may add rows, and may not change tables.
 */
export const runsStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.runs (
      id uuid not null,
      job_id text not null,
      task text not null,
      queue text not null,
      outcome text not null check (outcome in ('success', 'retry', 'error', 'cancelled')),
      attempt integer not null,
      replays integer not null default 0,
      queued_at timestamptz not null,
      ended_at timestamptz not null,
      duration_ms real not null,
      waited_ms real not null,
      correlation_id text not null,
      initiated_by text not null,
      source text not null,
      customer text,
      payload text,
      payload_digest text,
      error_class text,
      error_text text,
      error_fingerprint text,
      primary key (ended_at, id)
    ) partition by range (ended_at)`.execute(db);
    await sql`create index runs_task on task_worker.runs (task, ended_at, id)`.execute(db);
    await sql`create index runs_job on task_worker.runs (job_id)`.execute(db);
    // A job that nothing else led to has its own id for its correlation id.
    await sql`create index runs_correlation on task_worker.runs (correlation_id) where correlation_id <> job_id`.execute(
      db,
    );
    await sql`create index runs_customer on task_worker.runs (customer, ended_at, id) where customer is not null`.execute(
      db,
    );
    await sql`create index runs_unsuccessful on task_worker.runs (ended_at, id) where outcome <> 'success'`.execute(db);
    await sql`create index runs_unsuccessful_task on task_worker.runs (task, ended_at, id) where outcome <> 'success'`.execute(
      db,
    );
    await sql`create index runs_fingerprint on task_worker.runs (error_fingerprint, ended_at, id) where error_fingerprint is not null`.execute(
      db,
    );
    await sql`
    create table task_worker.run_hours (
      task text not null,
      hour timestamptz not null,
      succeeded integer not null,
      retried integer not null,
      failed integer not null,
      cancelled integer not null,
      total_ms double precision not null,
      longest_ms real not null,
      primary key (task, hour)
    )`.execute(db);
    await sql`create index run_hours_hour on task_worker.run_hours (hour)`.execute(db);
    await sql`
    create function task_worker.keep_run_days(today date, kept_days integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
    declare
      -- A caller whose clock runs ahead must not drop what is young.
      oldest constant date := least(today, (now() at time zone 'UTC')::date) - greatest(kept_days, 1);
      day date;
      part text;
      dropped integer := 0;
    begin
      perform pg_advisory_xact_lock(hashtext('task_worker.keep_run_days'));
      for day in select generate_series(today - 1, today + 2, interval '1 day')::date loop
        part := 'runs_' || to_char(day, 'YYYYMMDD');
        if to_regclass('task_worker.' || part) is null then
          -- Made first and attached then, which locks out no reader of the other days.
          execute format('create table task_worker.%I (like task_worker.runs including all)', part);
          execute format('alter table task_worker.runs attach partition task_worker.%I for values from (%L) to (%L)',
                         part, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
        end if;
      end loop;
      for part in
        select class.relname from pg_inherits join pg_class as class on class.oid = inhrelid
         where inhparent = 'task_worker.runs'::regclass and class.relname < 'runs_' || to_char(oldest, 'YYYYMMDD')
         order by 1
      loop
        execute format('drop table task_worker.%I', part);
        dropped := dropped + 1;
      end loop;
      delete from task_worker.run_hours where hour < oldest::timestamp at time zone 'UTC';
      return dropped;
    end $$`.execute(db);
    await sql`revoke all on function task_worker.keep_run_days(date, integer) from public`.execute(db);
  },
};
