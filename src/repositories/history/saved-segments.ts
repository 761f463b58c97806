import { sql } from 'kysely';
import type { Database } from '../database.ts';

export type KeptSegment = { name: string; conditions: unknown; savedBy: string; savedAt: Date };

/** Conditions of broadcasts that staff saved under a name, in our own schema. */
export class SavedSegments {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** By name. */
  async list(): Promise<KeptSegment[]> {
    const { rows } = await sql<{ name: string; conditions: unknown; saved_by: string; saved_at: Date }>`
      select name, conditions, saved_by, saved_at from task_worker.segments order by name`.execute(this.#db);
    return rows.map(({ conditions, name, saved_at: savedAt, saved_by: savedBy }) => ({
      ...{ name, conditions, savedBy, savedAt },
    }));
  }

  /** Saves conditions under a name; those that it had before are replaced. */
  async save(name: string, conditions: unknown, by: string): Promise<void> {
    await sql`
      insert into task_worker.segments (name, conditions, saved_by) values (${name}, ${JSON.stringify(conditions)}::jsonb, ${by})
      on conflict (name) do update set conditions = excluded.conditions, saved_by = excluded.saved_by, saved_at = now()`.execute(
      this.#db,
    );
  }

  /** False where no conditions have this name. */
  async drop(name: string): Promise<boolean> {
    const { numAffectedRows } = await sql`delete from task_worker.segments where name = ${name}`.execute(this.#db);
    return Number(numAffectedRows ?? 0) > 0;
  }
}
