import { sql } from 'kysely';
import type { ReceiptLine } from '../../lib/receipt.ts';
import type { Database } from '../database.ts';

/** The run that a receipt is of. */
export type ReceiptHead = {
  id: string;
  jobId: string;
  task: string;
  initiatedBy: string;
  beganAt: Date;
};

/** A line with the moment at which it was noted, and whether it is known to be done. */
export type NotedLine = ReceiptLine & { at: Date; isDone: boolean };

/** Writes receipts into our own schema. */
export class ReceiptRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Adds lines, and the receipt with its first ones. An act that is there keeps what was noted first, and becomes done where it was begun.
   * Each act may be given once.
   */
  async add({ beganAt, id, initiatedBy, jobId, task }: ReceiptHead, lines: readonly NotedLine[]): Promise<void> {
    const given = JSON.stringify(lines.map(rowOf));
    await sql`
      with head as (
        insert into task_worker.receipts (id, job_id, task, initiated_by, began_at)
        values (${id}, ${kept(jobId)}, ${kept(task)}, ${kept(initiatedBy)}, ${beganAt}) on conflict (id) do nothing
      )
      insert into task_worker.receipt_lines as lines
             (receipt, act, is_message, effect, subject, panel_id, detail, was, begun_at, done_at)
      select ${id}::uuid, act, is_message, effect, subject, panel_id, detail, was, to_timestamp(at_ms / 1000),
             case when is_done then to_timestamp(at_ms / 1000) end
        from json_to_recordset(${given}::json) as given(act uuid, is_message boolean, effect text, subject text, panel_id text,
                                                        detail text, was jsonb, at_ms float8, is_done boolean)
       -- In one order for all writers, so that two of them cannot wait for each other.
       order by act
      on conflict (receipt, act) do update set done_at = coalesce(lines.done_at, excluded.done_at)`.execute(this.#db);
  }

  /** Notes that these acts, as far as they are noted, are done. */
  async settle(receipt: string, acts: readonly string[], at: Date): Promise<void> {
    await sql`
      update task_worker.receipt_lines set done_at = ${at}
       where receipt = ${receipt} and act = any(${acts}::uuid[]) and done_at is null`.execute(this.#db);
  }

  /**
   * Ends a run's part of its receipt: a message that was begun is done where its row is there, else it is taken out. `endedAt` where the
   * whole run is over. Does nothing where there is no such receipt.
   */
  async close(receipt: string, { endedAt, lost }: { endedAt: Date | undefined; lost: number }): Promise<void> {
    await sql`
      with queued as (
        update task_worker.receipt_lines as lines set done_at = lines.begun_at
          from notification_queue as queue
         where lines.receipt = ${receipt} and lines.done_at is null and lines.is_message and queue.id = lines.act
        returning lines.act
      ), never as (
        delete from task_worker.receipt_lines as lines
         where lines.receipt = ${receipt} and lines.done_at is null and lines.is_message
           and not exists (select from notification_queue as queue where queue.id = lines.act)
      )
      update task_worker.receipts set lost = lost + ${lost}, ended_at = coalesce(${endedAt ?? null}::timestamptz, ended_at)
       where id = ${receipt}`.execute(this.#db);
  }

  /** Forgets receipts that began more than `keptDays` ago. */
  async forget(today: Date, keptDays: number): Promise<void> {
    await sql`
      select task_worker.forget_receipts((${today}::timestamptz at time zone 'UTC')::date, ${keptDays})`.execute(
      this.#db,
    );
  }
}

/** Ids and names come from outside, and stand in indexes, whose entries are limited. */
const NAME_KEPT = 200;
const DETAIL_KEPT = 500;

const rowOf = ({ act, at, detail, effect, id, isDone, isMessage = false, subject, was }: NotedLine) => ({
  ...{ act, was, effect },
  is_message: isMessage,
  subject: kept(subject),
  panel_id: id === undefined ? null : kept(id),
  detail: detail === undefined ? null : kept(detail, DETAIL_KEPT),
  at_ms: at.getTime(),
  is_done: isDone,
});

/** A text that PostgreSQL can keep. */
const kept = (text: string, most = NAME_KEPT): string =>
  text.slice(0, most).replaceAll('\0', '\u{FFFD}').toWellFormed();
