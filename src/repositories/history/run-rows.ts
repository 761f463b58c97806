import { sql } from 'kysely';
import { errorCode } from '../../lib/errors.ts';
import type { Database } from '../database.ts';

/** How an attempt ended. A snooze and a hand-back are no end. */
export const RUN_OUTCOMES = ['success', 'retry', 'error', 'cancelled'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** One attempt as it is kept; null where there is nothing. Times are milliseconds since 1970. */
export type RunRow = {
  id: string;
  job_id: string;
  task: string;
  queue: string;
  outcome: RunOutcome;
  attempt: number;
  replays: number;
  queued_at_ms: number;
  ended_at_ms: number;
  duration_ms: number;
  waited_ms: number;
  correlation_id: string;
  initiated_by: string;
  source: string;
  customer: string | null;
  /** JSON without secrets; null where it is too large. */
  payload: string | null;
  payload_digest: string | null;
  error_class: string | null;
  error_text: string | null;
  error_fingerprint: string | null;
};

/** SQLSTATEs of a value that cannot be kept, or is missing: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BAD_VALUE = /^(22|23502)/;

/** Adds runs, and keeps the days that they are in. */
export class RunRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Adds rows and their sums by one statement, as one text of JSON: that is the cheapest for the worker. Rows that are there already add
   * nothing, so a batch whose answer was lost may come again. Returns how many rows were left out because the server cannot keep them.
   */
  async add(rows: readonly RunRow[]): Promise<number> {
    try {
      await this.#insert(rows);
      return 0;
    } catch (error) {
      if (!BAD_VALUE.test(errorCode(error))) throw error;
      if (rows.length === 1) return 1;
      const half = Math.ceil(rows.length / 2);
      return (await this.add(rows.slice(0, half))) + (await this.add(rows.slice(half)));
    }
  }

  /** Makes the partitions of yesterday to the day after tomorrow, drops those older than `keptDays`, and returns how many it dropped. */
  async keepDays(today: Date, keptDays: number): Promise<number> {
    const { rows } = await sql<{ dropped: number }>`
      select task_worker.keep_run_days((${today}::timestamptz at time zone 'UTC')::date, ${keptDays}) as dropped`.execute(
      this.#db,
    );
    return rows[0]!.dropped;
  }

  async #insert(rows: readonly RunRow[]): Promise<void> {
    await sql`
      with given as (
        select * from json_to_recordset(${JSON.stringify(rows)}::json) as row(
          id uuid, job_id text, task text, queue text, outcome text, attempt int, replays int, queued_at_ms float8, ended_at_ms float8,
          duration_ms real, waited_ms real, correlation_id text, initiated_by text, source text, customer text, payload text,
          payload_digest text, error_class text, error_text text, error_fingerprint text)
      ), added as (
        insert into task_worker.runs (id, job_id, task, queue, outcome, attempt, replays, queued_at, ended_at, duration_ms, waited_ms,
               correlation_id, initiated_by, source, customer, payload, payload_digest, error_class, error_text, error_fingerprint)
        select id, job_id, task, queue, outcome, attempt, replays, to_timestamp(queued_at_ms / 1000), to_timestamp(ended_at_ms / 1000),
               duration_ms, waited_ms, correlation_id, initiated_by, source, customer, payload, payload_digest, error_class, error_text,
               error_fingerprint
          from given
        on conflict do nothing
        returning task, ended_at, outcome, duration_ms
      )
      insert into task_worker.run_hours as sums (task, hour, succeeded, retried, failed, cancelled, total_ms, longest_ms)
      select task, date_trunc('hour', ended_at, 'UTC') as hour, count(*) filter (where outcome = 'success'),
             count(*) filter (where outcome = 'retry'), count(*) filter (where outcome = 'error'),
             count(*) filter (where outcome = 'cancelled'), sum(duration_ms), max(duration_ms)
        from added group by task, hour
       -- In one order for all writers, so that two of them cannot wait for each other.
       order by task, hour
      on conflict (task, hour) do update
        set succeeded = sums.succeeded + excluded.succeeded, retried = sums.retried + excluded.retried,
            failed = sums.failed + excluded.failed, cancelled = sums.cancelled + excluded.cancelled,
            total_ms = sums.total_ms + excluded.total_ms,
            longest_ms = greatest(sums.longest_ms, excluded.longest_ms)`.execute(this.#db);
  }
}
