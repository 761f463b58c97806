import { sql } from 'kysely';
import { z } from 'zod';
import type { Before } from '../../lib/receipt.ts';
import type { Database } from '../database.ts';

/** A receipt without its lines. */
export type KeptReceipt = {
  id: string;
  jobId: string;
  task: string;
  initiatedBy: string;
  beganAt: Date;
  /** Absent while the job is not over, and where it ended without saying so. */
  endedAt?: Date | undefined;
  /** Acts that could not be noted. The audit trail has those on panel users. */
  lost: number;
};

/** Why an act was not undone. */
export const LEFT_REASONS = [
  /** The panel has nobody of this name any more. */
  'gone',
  /** The user is on again, or off again, since. */
  'status_changed',
  /** The expiry date is another one since: paid, or set by somebody. */
  'date_changed',
  /** A later run of ours acted on the user. */
  'later_run',
  /** Staff did something to the user since, as the platform's audit trail says. */
  'staff',
  /** The customer has paid since, and the panel does not show it yet. */
  'paid',
  /** An invoice may be paid, and Crypto Pay does not say. */
  'money_unknown',
  /** Staff were shown a list on which this user is not. */
  'not_shown',
] as const;
export type LeftReason = (typeof LEFT_REASONS)[number];

/** The state of a subject before an act, as the receipt keeps it and the API shows it. */
export const StoodBefore = z.object({
  status: z.string().optional(),
  expire_at: z.string().optional(),
  used_traffic_bytes: z.number().optional(),
  traffic_limit_bytes: z.number().optional(),
  telegram_id: z.number().optional(),
});

const LineRow = z.object({
  act: z.string(),
  effect: z.string(),
  subject: z.string(),
  panel_id: z.string().nullable(),
  detail: z.string().nullable(),
  was: StoodBefore.nullable(),
  begun_at: z.date(),
  done_at: z.date().nullable(),
  undo_state: z.enum(['begun', 'undone', 'left']).nullable(),
  undo_job: z.string().nullable(),
  undo_at: z.date().nullable(),
  undo_note: z.enum(LEFT_REASONS).nullable().catch(null),
});

/** One act as it is kept. */
export type KeptLine = {
  act: string;
  effect: string;
  subject: string;
  id?: string | undefined;
  detail?: string | undefined;
  was: Before;
  begunAt: Date;
  /** Absent where it is not known whether it was done. */
  doneAt?: Date | undefined;
  undo?: { state: 'begun' | 'undone' | 'left'; job: string; at: Date; why?: LeftReason | undefined } | undefined;
};

export type ReceiptCounts = { effect: string; acts: number; unsure: number; undone: number; left: number };

/** An undo that was begun so long ago and not finished belongs to nobody any more. */
export const UNDO_LEASE = sql`interval '10 minutes'`;

const COLUMNS = sql`act, effect, subject, panel_id, detail, was, begun_at, done_at, undo_state, undo_job, undo_at, undo_note`;

/** Reads receipts. */
export class KeptReceipts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest first; those of one job, or of one task, where asked. `after` is the last of the page before. */
  async list(
    { jobId, task }: { jobId?: string | undefined; task?: string | undefined },
    limit: number,
    after?: string,
  ): Promise<KeptReceipt[]> {
    const { rows } = await sql<HeadRow>`
      select id, job_id, task, initiated_by, began_at, ended_at, lost::int as lost from task_worker.receipts
       where ${jobId === undefined ? sql`true` : sql`job_id = ${jobId}`} and ${task === undefined ? sql`true` : sql`task = ${task}`}
         and ${after === undefined ? sql`true` : sql`(began_at, id) < (select began_at, id from task_worker.receipts where id = ${after})`}
       order by began_at desc, id desc limit ${limit}`.execute(this.#db);
    return rows.map(receiptOf);
  }

  async find(id: string): Promise<KeptReceipt | undefined> {
    const { rows } = await sql<HeadRow>`
      select id, job_id, task, initiated_by, began_at, ended_at, lost::int as lost
        from task_worker.receipts where id = ${id}`.execute(this.#db);
    return rows.map(receiptOf)[0];
  }

  /** How many acts of each kind, how many of them may not be done, and what became of undoing them. */
  async counts(id: string): Promise<ReceiptCounts[]> {
    const { rows } = await sql<ReceiptCounts>`
      select effect, count(*)::int as acts, (count(*) filter (where done_at is null))::int as unsure,
             (count(*) filter (where undo_state = 'undone'))::int as undone,
             (count(*) filter (where undo_state = 'left'))::int as left
        from task_worker.receipt_lines where receipt = ${id} group by effect order by effect`.execute(this.#db);
    return rows;
  }

  /** A page of lines in a fixed order. `after` is the `act` of the last line before. */
  async lines(id: string, limit: number, after?: string): Promise<KeptLine[]> {
    const { rows } = await sql<unknown>`
      select ${COLUMNS} from task_worker.receipt_lines
       where receipt = ${id} and ${after === undefined ? sql`true` : sql`act > ${after}`}
       order by act limit ${limit}`.execute(this.#db);
    return rows.map((row) => lineOf(LineRow.parse(row)));
  }

  /**
   * Acts of these effects that are done and not undone, in a fixed order: those that `job` has not judged and that no other job has in its
   * hands.
   */
  async open(
    id: string,
    {
      after,
      effects,
      job,
      limit,
    }: { job: string; effects: readonly string[]; limit: number; after: string | undefined },
  ): Promise<KeptLine[]> {
    const { rows } = await sql<unknown>`
      select ${COLUMNS} from task_worker.receipt_lines
       where receipt = ${id} and ${after === undefined ? sql`true` : sql`act > ${after}`}
         and effect = any(${effects}) and done_at is not null
         and (undo_state is null or (undo_state = 'left' and undo_job <> ${job})
              or (undo_state = 'begun' and (undo_job = ${job} or undo_at < now() - ${UNDO_LEASE})))
       order by act limit ${limit}`.execute(this.#db);
    return rows.map((row) => lineOf(LineRow.parse(row)));
  }

  /** All lines, a page at a time. */
  async *pages(id: string, size: number): AsyncGenerator<readonly KeptLine[]> {
    for (let after: string | undefined; ; ) {
      const lines = await this.lines(id, size, after);
      if (lines.length > 0) yield lines;
      if (lines.length < size) return;
      after = lines.at(-1)!.act;
    }
  }
}

type HeadRow = {
  id: string;
  job_id: string;
  task: string;
  initiated_by: string;
  began_at: Date;
  ended_at: Date | null;
  lost: number;
};

const receiptOf = (row: HeadRow): KeptReceipt => ({
  ...{ id: row.id, jobId: row.job_id, task: row.task, initiatedBy: row.initiated_by, lost: row.lost },
  beganAt: row.began_at,
  endedAt: row.ended_at ?? undefined,
});

const lineOf = (row: z.output<typeof LineRow>): KeptLine => ({
  ...{ act: row.act, effect: row.effect, subject: row.subject, was: row.was ?? {}, begunAt: row.begun_at },
  id: row.panel_id ?? undefined,
  detail: row.detail ?? undefined,
  doneAt: row.done_at ?? undefined,
  undo: row.undo_state
    ? { state: row.undo_state, job: row.undo_job!, at: row.undo_at!, why: row.undo_note ?? undefined }
    : undefined,
});
