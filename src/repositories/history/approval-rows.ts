import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database.ts';

/** `approved` and not begun: the process ended in between, and another yes begins it. `failed`: it could not be done any more. */
export const APPROVAL_STATES = ['waiting', 'approved', 'refused', 'expired', 'failed'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** An act that waits for the yes of a second person, or did. */
export type Approval = {
  id: string;
  /** What kind of act it is: `task` is a job, `broadcast` a planned message to all. */
  kind: string;
  /** The task, or the name of the broadcast. */
  subject: string;
  payload: Readonly<Record<string, unknown>>;
  /** SHA-256 of kind and payload, in hexadecimal digits. */
  digest: string;
  /** Users or chats; undefined for all that there are. */
  touches: number | undefined;
  askedBy: string;
  askedAt: Date;
  expiresAt: Date;
  state: ApprovalState;
  decidedBy: string | undefined;
  decidedAt: Date | undefined;
  begunAt: Date | undefined;
  /** Why it failed. */
  why: string | undefined;
};

export type NewApproval = Omit<Approval, 'begunAt' | 'decidedAt' | 'decidedBy' | 'state' | 'why'>;

/** Acts that wait for a second person, in our own schema. No statement changes what was asked for. */
export class ApprovalRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Adds one that waits, and answers it. Where the same act of the same person waits already, or the id is known, that one is answered.
   */
  async add(one: NewApproval, now: Date): Promise<Approval> {
    const { askedAt, askedBy, digest, expiresAt, id, kind, payload, subject, touches } = one;
    await this.#expire(now);
    await sql`
      insert into task_worker.approvals (id, kind, subject, payload, digest, touches, asked_by, asked_at, expires_at, state)
      values (${id}, ${kind}, ${subject}, ${JSON.stringify(payload)}::jsonb, ${digest}, ${touches ?? null}, ${askedBy}, ${askedAt}, ${expiresAt}, 'waiting')
      on conflict do nothing`.execute(this.#db);
    const { rows } = await sql<Row>`
      select ${columnsAt(now)} from task_worker.approvals
       where id = ${id} or (digest = ${digest} and asked_by = ${askedBy} and state = 'waiting')
       order by (id = ${id}) desc limit 1`.execute(this.#db);
    return approvalOf(rows[0]!);
  }

  async find(id: string, now: Date): Promise<Approval | undefined> {
    const { rows } = await sql<Row>`select ${columnsAt(now)} from task_worker.approvals where id = ${id}`.execute(
      this.#db,
    );
    return rows.map(approvalOf)[0];
  }

  /** What needs a person, the oldest first: what waits, and what was approved and has not begun. */
  async open(now: Date, limit: number): Promise<Approval[]> {
    const { rows } = await sql<Row>`
      select ${columnsAt(now)} from task_worker.approvals
       where (state = 'waiting' or (state = 'approved' and begun_at is null)) and expires_at > ${now}
       order by asked_at, id limit ${limit}`.execute(this.#db);
    return rows.map(approvalOf);
  }

  /** The newest first. */
  async list(now: Date, limit: number): Promise<Approval[]> {
    const { rows } = await sql<Row>`
      select ${columnsAt(now)} from task_worker.approvals order by asked_at desc, id desc limit ${limit}`.execute(
      this.#db,
    );
    return rows.map(approvalOf);
  }

  /** False where it does not wait any more, or is another act than the one that was seen. Of two at once one decides. */
  async decide(
    id: string,
    { by, digest, state }: { state: 'approved' | 'refused'; by: string; digest?: string | undefined },
    now: Date,
  ): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update task_worker.approvals set state = ${state}, decided_by = ${by}, decided_at = ${now}
       where id = ${id} and state = 'waiting' and expires_at > ${now} and ${digest ? sql`digest = ${digest}` : sql`true`}`.execute(
      this.#db,
    );
    return numAffectedRows === 1n;
  }

  async markBegun(id: string, now: Date): Promise<void> {
    await sql`
      update task_worker.approvals set begun_at = ${now} where id = ${id} and state = 'approved' and begun_at is null`.execute(
      this.#db,
    );
  }

  async markFailed(id: string, why: string): Promise<void> {
    await sql`
      update task_worker.approvals set state = 'failed', why = ${why}
       where id = ${id} and state = 'approved' and begun_at is null`.execute(this.#db);
  }

  /** Deletes what is older than half a year. */
  async forget(today: Date): Promise<void> {
    await sql`select task_worker.forget_approvals((${today}::timestamptz at time zone 'UTC')::date)`.execute(this.#db);
  }

  async #expire(now: Date): Promise<void> {
    await sql`
      update task_worker.approvals set state = 'expired' where state = 'waiting' and expires_at <= ${now}`.execute(
      this.#db,
    );
  }
}

type Row = {
  id: string;
  kind: string;
  subject: string;
  payload: Record<string, unknown>;
  digest: string;
  touches: number | null;
  asked_by: string;
  asked_at: Date;
  expires_at: Date;
  state: ApprovalState;
  decided_by: string | null;
  decided_at: Date | null;
  begun_at: Date | null;
  why: string | null;
};

/** What waits for too long is expired, whether or not its row says so yet: a look writes nothing. */
const columnsAt = (now: Date): RawBuilder<unknown> => sql`
  id, kind, subject, payload, digest, touches, asked_by, asked_at, expires_at,
  case when state = 'waiting' and expires_at <= ${now} then 'expired' else state end as state, decided_by, decided_at, begun_at, why`;

const approvalOf = (row: Row): Approval => ({
  ...{ id: row.id, kind: row.kind, subject: row.subject, payload: row.payload, digest: row.digest, state: row.state },
  touches: row.touches ?? undefined,
  askedBy: row.asked_by,
  askedAt: row.asked_at,
  expiresAt: row.expires_at,
  decidedBy: row.decided_by ?? undefined,
  decidedAt: row.decided_at ?? undefined,
  begunAt: row.begun_at ?? undefined,
  why: row.why ?? undefined,
});
