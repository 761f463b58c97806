import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Schedules that a person has paused: they stay so where Redis is emptied. */
export const pausedSchedulesStep: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
    create table task_worker.paused_schedules (
      task text primary key,
      paused_by text not null,
      paused_at timestamptz not null,
      reason text
    )`.execute(db);
  },
};
