import { sql } from 'kysely';
import type { Database } from '../database.ts';

/** A schedule that a person has paused. */
export type SchedulePause = {
  task: string;
  /** The initiator. */
  by: string;
  at: Date;
  reason?: string | undefined;
};

/** Pauses of schedules in our own schema. */
export class KeptPauses {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async all(): Promise<SchedulePause[]> {
    const { rows } = await sql<{ task: string; by: string; at: Date; reason: string | null }>`
      select task, paused_by as by, paused_at as at, reason from task_worker.paused_schedules order by task`.execute(
      this.#db,
    );
    return rows.map(({ reason, ...pause }) => ({ ...pause, reason: reason ?? undefined }));
  }

  /** One that is paused already stays as it is. */
  async add({ at, by, reason, task }: SchedulePause): Promise<void> {
    await sql`
      insert into task_worker.paused_schedules (task, paused_by, paused_at, reason)
      values (${task}, ${by}, ${at}, ${reason ?? null}) on conflict (task) do nothing`.execute(this.#db);
  }

  async remove(task: string): Promise<void> {
    await sql`delete from task_worker.paused_schedules where task = ${task}`.execute(this.#db);
  }
}
