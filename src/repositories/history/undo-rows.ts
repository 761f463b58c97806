import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { type LeftReason, UNDO_LEASE } from './receipts.ts';

/** What becomes of undoing the acts of a receipt. The rows decide that an act is undone once, however often and by however many jobs it is asked for. */
export class UndoRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Takes acts into this job's hands and answers those that it has: neither undone nor in the hands of another job. */
  async take(receipt: string, acts: readonly string[], job: string): Promise<ReadonlySet<string>> {
    const { rows } = await sql<{ act: string }>`
      update task_worker.receipt_lines set undo_state = 'begun', undo_job = ${job}, undo_at = now(), undo_note = null
       where receipt = ${receipt} and act = any(${acts}::uuid[])
         and (undo_state is null or undo_state = 'left' or (undo_state = 'begun' and (undo_job = ${job} or undo_at < now() - ${UNDO_LEASE})))
      returning act`.execute(this.#db);
    return new Set(rows.map(({ act }) => act));
  }

  /** Ends what this job has in its hands. */
  async undone(receipt: string, acts: readonly string[], job: string): Promise<void> {
    await sql`
      update task_worker.receipt_lines set undo_state = 'undone', undo_at = now()
       where receipt = ${receipt} and act = any(${acts}::uuid[]) and undo_state = 'begun' and undo_job = ${job}`.execute(
      this.#db,
    );
  }

  /** Notes why acts are left as they are. An act that is undone stays so. */
  async left(receipt: string, reasons: ReadonlyMap<string, LeftReason>, job: string): Promise<void> {
    if (reasons.size === 0) return;
    await sql`
      update task_worker.receipt_lines as lines
         set undo_state = 'left', undo_job = ${job}, undo_at = now(), undo_note = given.why
        from unnest(${[...reasons.keys()]}::uuid[], ${[...reasons.values()]}::text[]) as given(act, why)
       where lines.receipt = ${receipt} and lines.act = given.act
         and (lines.undo_state is distinct from 'undone')
         and (lines.undo_state is distinct from 'begun' or lines.undo_job = ${job})`.execute(this.#db);
  }

  /** Whether another job has some of them in its hands now. */
  async isInOtherHands(receipt: string, job: string): Promise<boolean> {
    const { rows } = await sql`
      select 1 from task_worker.receipt_lines
       where receipt = ${receipt} and undo_state = 'begun' and undo_job <> ${job} and undo_at >= now() - ${UNDO_LEASE} limit 1`.execute(
      this.#db,
    );
    return rows.length > 0;
  }

  /** The subjects among these that another receipt has a later act of these effects on. */
  async actedOnSince(
    receipt: string,
    lines: readonly { subject: string; doneAt: Date }[],
    effects: readonly string[],
  ): Promise<ReadonlySet<string>> {
    const { rows } = await sql<{ subject: string }>`
      select distinct given.subject
        from unnest(${lines.map(({ subject }) => subject)}::text[], ${lines.map(({ doneAt }) => doneAt)}::timestamptz[]) as given(subject, at)
        join task_worker.receipt_lines as later on later.subject = given.subject and later.begun_at > given.at
       where later.receipt <> ${receipt} and later.effect = any(${effects})`.execute(this.#db);
    return new Set(rows.map(({ subject }) => subject));
  }

  /** The panel users among these to whom staff did something since, by the platform's audit trail. Our own acts do not count. */
  async touchedByStaff(users: readonly { id: string; since: Date }[]): Promise<ReadonlySet<string>> {
    const { rows } = await sql<{ id: string }>`
      select distinct given.id
        from unnest(${users.map(({ id }) => id)}::text[], ${users.map(({ since }) => since)}::timestamptz[]) as given(id, at)
        join audit_logs as logs on logs.entity_id = given.id and logs.created_at > given.at
       -- The table is found by its time, not by whom an entry is about.
       where logs.admin_id is not null
         and logs.created_at > (select min(at) from unnest(${users.map(({ since }) => since)}::timestamptz[]) as at)`.execute(
      this.#db,
    );
    return new Set(rows.map(({ id }) => id));
  }
}
