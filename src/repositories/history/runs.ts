import { type RawBuilder, sql } from 'kysely';
import { hours } from '../../lib/duration.ts';
import type { Database } from '../database.ts';
import type { RunOutcome, RunRow } from './run-rows.ts';

/** One attempt of a job, as it was kept. */
export type KeptRun = {
  id: string;
  jobId: string;
  task: string;
  queue: string;
  outcome: RunOutcome;
  attempt: number;
  /** How often the job had been replayed as a dead letter. */
  replays: number;
  queuedAt: Date;
  startedAt: Date;
  endedAt: Date;
  durationMs: number;
  waitedMs: number;
  correlationId: string;
  initiatedBy: string;
  source: string;
  /** Telegram id, id at the panel, username or e-mail address, by what the payload named. */
  customer: string | undefined;
  /** Without secrets; undefined where it is too large to be kept. */
  payload: unknown;
  /** SHA-256 of the payload without secrets, where that is too large. */
  payloadDigest: string | undefined;
  error: { code: string; text: string; fingerprint: string } | undefined;
};

/** All that are given must fit; within a list, one of them. An empty list fits nothing. */
export type RunFilter = {
  tasks?: readonly string[] | undefined;
  outcomes?: readonly RunOutcome[] | undefined;
  /** Ended at or after. */
  from?: Date | undefined;
  /** Ended before. */
  to?: Date | undefined;
  /** Names of one customer: Telegram id, id at the panel, username, e-mail address. */
  customers?: readonly string[] | undefined;
  correlationId?: string | undefined;
  jobId?: string | undefined;
  fingerprint?: string | undefined;
  /** Part of the text of the error, in any case. */
  text?: string | undefined;
};

/** A place between two runs: the next page begins after it. */
export type RunCursor = { endedAt: Date; id: string };

export type RunPage = {
  /** The newest first. */
  runs: readonly KeptRun[];
  /** Undefined on the last page. */
  next: RunCursor | undefined;
  /** The search for a text stopped here, after its most runs; `next` goes on. Undefined where it came to its end. */
  searchedTo: Date | undefined;
};

/** Failures with one class and one pattern of text. */
export type ErrorGroup = {
  fingerprint: string;
  code: string;
  /** Of the latest of them. */
  text: string;
  jobId: string;
  runs: number;
  tasks: readonly string[];
  firstAt: Date;
  lastAt: Date;
};

/** The runs of one task that ended within one hour. */
export type RunHour = {
  task: string;
  hour: Date;
  succeeded: number;
  retried: number;
  failed: number;
  cancelled: number;
  totalMs: number;
  longestMs: number;
};

export type RunDurations = { task: string; runs: number; p50Ms: number; p95Ms: number };

/**
 * Failed runs that one search for a text looks at, the newest first: a tenth of a second. No index of words is kept: it would need an
 * extension and cost each write more than all other indexes together.
 */
const TEXT_LOOKED_AT = 10_000;
/** Failed runs that are grouped, the newest first. */
const GROUPED = 10_000;
/** A job with more attempts than these has been replayed many times; the newest are shown. */
const OF_ONE_JOB = 500;
/** Runs of a task from which its usual duration is told. */
const MEASURED = 1_000;

/** Finds runs. Every search has an index and a bound; without the schema each throws. */
export class Runs {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** One page, the newest first. */
  async search(
    filter: RunFilter,
    { after, limit }: { after?: RunCursor | undefined; limit: number },
  ): Promise<RunPage> {
    const where = and([...conditions(filter), ...(after ? [isBefore(after)] : [])]);
    const { rows } = await sql<Row>`
      select * from ${found(where, filter.text)} order by ended_at desc, id desc limit ${limit + 1}`.execute(this.#db);
    const runs = rows.slice(0, limit).map(asRun);
    if (rows.length > limit) return { runs, next: cursorOf(runs.at(-1)!), searchedTo: undefined };
    const stop = filter.text === undefined ? undefined : await this.#nth(where, TEXT_LOOKED_AT);
    return { runs, next: stop, searchedTo: stop?.endedAt };
  }

  /** The jobs of the runs that are found, those that ended last first; one more than `most` where there are more. */
  async jobs(filter: RunFilter, most: number): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select job_id as id from ${found(and(conditions(filter)), filter.text)}
       group by job_id order by max(ended_at) desc, job_id limit ${most + 1}`.execute(this.#db);
    return rows.map(({ id }) => id);
  }

  /** The attempts of one job, the newest first. */
  async ofJob(jobId: string): Promise<KeptRun[]> {
    const { rows } = await sql<Row>`
      select * from task_worker.runs where job_id = ${jobId} order by ended_at desc, id desc limit ${OF_ONE_JOB}`.execute(
      this.#db,
    );
    return rows.map(asRun);
  }

  /** Failures by kind, the most frequent first. `from` tells how far back they were looked at, where there are too many of them. */
  async groups(
    filter: RunFilter,
    limit: number,
  ): Promise<{ groups: readonly ErrorGroup[]; lookedAtFrom: Date | undefined }> {
    const where = and([
      ...conditions(filter),
      filter.outcomes ? sql`error_fingerprint is not null` : sql`outcome <> 'success'`,
    ]);
    const { rows } = await sql<GroupRow>`
      with looked as (
        select error_fingerprint, error_class, task, ended_at from task_worker.runs where ${where}
         order by ended_at desc, id desc limit ${GROUPED}
      ), grouped as (
        select error_fingerprint as fingerprint, count(*)::int as runs, array_agg(distinct task order by task) as tasks,
               min(error_class) as code, min(ended_at) as first_at, max(ended_at) as last_at
          from looked group by 1
      )
      select grouped.*, latest.error_text as text, latest.job_id, (select count(*)::int from looked) as looked_at,
             (select min(ended_at) from looked) as looked_at_from
        from grouped cross join lateral (
          select error_text, job_id from task_worker.runs
           where error_fingerprint = grouped.fingerprint and ended_at = grouped.last_at order by id desc limit 1) as latest
       order by runs desc, last_at desc limit ${limit}`.execute(this.#db);
    const groups = rows.map(({ code, first_at, fingerprint, job_id, last_at, runs, tasks, text }) => ({
      ...{ code, fingerprint, runs, tasks, text },
      jobId: job_id,
      firstAt: first_at,
      lastAt: last_at,
    }));
    const isBounded = (rows[0]?.looked_at ?? 0) >= GROUPED;
    return { groups, lookedAtFrom: isBounded ? rows[0]!.looked_at_from : undefined };
  }

  /** How the runs of each hour ended, of these tasks or of all; from the sums that are kept beside the runs. */
  async hours({
    from,
    tasks,
    to,
  }: {
    from: Date;
    to: Date;
    tasks?: readonly string[] | undefined;
  }): Promise<RunHour[]> {
    const { rows } = await sql<RunHour>`
      select task, hour, succeeded, retried, failed, cancelled, total_ms as "totalMs", longest_ms as "longestMs"
        from task_worker.run_hours
       where hour > ${new Date(from.getTime() - hours(1))} and hour < ${to}
         and ${tasks ? sql`task = any(${tasks})` : sql`true`}
       order by task, hour`.execute(this.#db);
    return rows;
  }

  /** How long the last thousand runs of each task since `from` took. A task that has not run is left out. */
  async durations(tasks: readonly string[], from: Date): Promise<RunDurations[]> {
    const { rows } = await sql<RunDurations>`
      select asked.task, count(*)::int as runs, percentile_cont(0.5) within group (order by duration_ms) as "p50Ms",
             percentile_cont(0.95) within group (order by duration_ms) as "p95Ms"
        from unnest(${tasks}::text[]) as asked(task)
       cross join lateral (select duration_ms from task_worker.runs
                            where runs.task = asked.task and ended_at >= ${from} order by ended_at desc, id desc limit ${MEASURED}) as latest
       group by asked.task order by asked.task`.execute(this.#db);
    return rows;
  }

  /** The run at this position; undefined where there are fewer. */
  async #nth(where: RawBuilder<unknown>, position: number): Promise<RunCursor | undefined> {
    const { rows } = await sql<{ endedAt: Date; id: string }>`
      select ended_at as "endedAt", id from task_worker.runs where ${where}
       order by ended_at desc, id desc offset ${position - 1} limit 1`.execute(this.#db);
    return rows[0];
  }
}

/** A row as it is read; its times are of the driver. */
type Row = Omit<RunRow, 'queued_at_ms' | 'ended_at_ms'> & { queued_at: Date; ended_at: Date };

type GroupRow = {
  fingerprint: string;
  runs: number;
  tasks: string[];
  code: string;
  first_at: Date;
  last_at: Date;
  text: string;
  job_id: string;
  looked_at: number;
  looked_at_from: Date;
};

function conditions(filter: RunFilter): RawBuilder<unknown>[] {
  const { correlationId, customers, fingerprint, from, jobId, outcomes, tasks, text, to } = filter;
  return [
    from && sql`ended_at >= ${from}`,
    to && sql`ended_at < ${to}`,
    tasks && isAmong('task', tasks),
    outcomes && isAmong('outcome', outcomes),
    text !== undefined && !outcomes && sql`outcome <> 'success'`,
    customers && isAmong('customer', customers),
    jobId !== undefined && sql`job_id = ${jobId}`,
    correlationId !== undefined &&
      sql`correlation_id = ${correlationId} and (job_id = ${correlationId} or correlation_id <> job_id)`,
    fingerprint !== undefined && sql`error_fingerprint = ${fingerprint}`,
  ].filter((one) => typeof one === 'object');
}

/** The runs that fit, as a table. A text is looked for in the newest of them alone. */
function found(where: RawBuilder<unknown>, text: string | undefined): RawBuilder<unknown> {
  if (text === undefined) return sql`(select * from task_worker.runs where ${where}) as found`;
  return sql`
    (select * from (select * from task_worker.runs where ${where} order by ended_at desc, id desc limit ${TEXT_LOOKED_AT}) as looked
      where error_text ilike ${pattern(text)}) as found`;
}

/** A single value keeps the order of an index that begins with its column. */
function isAmong(column: 'customer' | 'outcome' | 'task', values: readonly string[]): RawBuilder<unknown> {
  return values.length === 1
    ? sql`${sql.ref(column)} = ${values[0]}`
    : sql`${sql.ref(column)} = any(${values}::text[])`;
}

const and = (all: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  all.length === 0 ? sql`true` : sql.join(all, sql` and `);

const isBefore = ({ endedAt, id }: RunCursor): RawBuilder<unknown> => sql`(ended_at, id) < (${endedAt}, ${id}::uuid)`;

const cursorOf = ({ endedAt, id }: KeptRun): RunCursor => ({ endedAt, id });

/** Signs of a pattern stand for themselves. */
const pattern = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

function asRun(row: Row): KeptRun {
  return {
    id: row.id,
    jobId: row.job_id,
    task: row.task,
    queue: row.queue,
    outcome: row.outcome,
    attempt: row.attempt,
    replays: row.replays,
    queuedAt: row.queued_at,
    startedAt: new Date(row.ended_at.getTime() - row.duration_ms),
    endedAt: row.ended_at,
    durationMs: row.duration_ms,
    waitedMs: row.waited_ms,
    correlationId: row.correlation_id,
    initiatedBy: row.initiated_by,
    source: row.source,
    customer: row.customer ?? undefined,
    payload: row.payload === null ? undefined : (JSON.parse(row.payload) as unknown),
    payloadDigest: row.payload_digest ?? undefined,
    error:
      row.error_class === null
        ? undefined
        : { code: row.error_class, text: row.error_text ?? '', fingerprint: row.error_fingerprint ?? '' },
  };
}
