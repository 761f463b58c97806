import { sql } from 'kysely';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { within } from '../lib/deadline.ts';
import { minutes, seconds } from '../lib/duration.ts';
import { modesOf, PURCHASE_KINDS } from '../lib/purchase.ts';
import { copiedLines } from './copied-lines.ts';
import type { CopyText } from './copy-text.ts';
import { type Database, endingWhenSilent } from './database.ts';

/** Includes `from`, excludes `to`; open where undefined. */
export type ExportRange = { readonly from: Date | undefined; readonly to: Date | undefined };

/** The run that reads: `alive` says that rows come, or that the server works on them. */
export type ExportRun = { readonly signal: AbortSignal; alive(): void };

/** Rows of one table in groups, each a line of COPY's text format. */
export type TextRows = AsyncGenerator<CopyText>;

/** The export gives up when another session, such as a migration, locks the table for longer than this. */
const LOCK_LIMIT_MS = minutes(5);

/** How often the server is asked whether it still works on an export that gives no rows. */
const PULSE_MS = seconds(20);
/** A graceful end of the connection waits this long for the other side. */
const CLOSE_MS = seconds(2);

/** A connection that is silent for longer than this is dead. Sorting a large table, or a slow bucket, takes minutes. */
const SILENCE_MS = minutes(15);

const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** COPY takes no parameters, so the ends of the range are settings of the transaction, never text in the statement. */
const IN_RANGE = `
   where t.created_at >= current_setting('task_worker.export_from')::timestamptz
     and t.created_at < current_setting('task_worker.export_to')::timestamptz`;

/** An export takes as long as its storage does, so the server's statement limit is off for it. A cancel ends it. */
const SETTINGS = `
  select set_config('task_worker.export_from', $1::timestamptz::text, true), set_config('task_worker.export_to', $2::timestamptz::text, true),
         set_config('lock_timeout', $3, true), set_config('statement_timeout', '0', true)`;

/** The kind of the purchase, as `purchaseOf` reads it from a row. */
const BOUGHT = `case coalesce(t.metadata ->> 'checkout_mode', 'new_purchase')
    ${PURCHASE_KINDS.filter((kind) => kind !== 'unknown')
      .flatMap((kind) => modesOf(kind).map((mode) => `when '${mode}' then '${kind}'`))
      .join(' ')} else 'unknown' end`;

/** The query that `COPY` runs for the export of payments. */
export const PAYMENTS_QUERY = `
  select t.id, t.external_id, t.user_uuid, t.amount, t.final_amount, t.currency, t.status, t.provider, t.subscription_days, t.plan_id,
         ${utc('t.created_at')}, ${utc('t.updated_at')}, ${BOUGHT}
    from payments t ${IN_RANGE} order by t.created_at, t.id`;

const AUDIT_QUERY = `
  select t.id, ${utc('t.created_at')}, t.admin_id, admin.login, t.action, t.entity_type, t.entity_id, t.old_value, t.new_value,
         t.ip_address, t.user_agent
    from audit_logs t left join admin_users admin on admin.id = t.admin_id ${IN_RANGE} order by t.created_at, t.id`;

/**
 * Reads whole tables as of one moment through `COPY`, which costs half as much as a cursor: the server sends while we write. Memory does
 * not grow with the table. Each export opens its own connection and takes none from the pool.
 */
export class ExportRows {
  readonly #db: Database;
  readonly #url: string;

  constructor(db: Database, url: string) {
    this.#db = db;
    this.#url = url;
  }

  /** Columns: id, external_id, user_uuid, amount, final_amount, currency, status, provider, subscription_days, plan_id, created_at, updated_at, bought. */
  payments(range: ExportRange, run: ExportRun): TextRows {
    return this.#stream(PAYMENTS_QUERY, range, run);
  }

  /** Columns: id, created_at, admin_id, admin_login, action, entity_type, entity_id, old_value, new_value, ip_address, user_agent. */
  audit(range: ExportRange, run: ExportRun): TextRows {
    return this.#stream(AUDIT_QUERY, range, run);
  }

  /** The planner's estimate of the rows in the range. Counting would read them all. */
  async estimate(table: 'payments' | 'audit_logs', { from, to }: ExportRange): Promise<number> {
    const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
      explain (format json)
      select 1 from ${sql.table(table)}
       where created_at >= ${from ?? '-infinity'}::timestamptz and created_at < ${to ?? 'infinity'}::timestamptz`.execute(
      this.#db,
    );
    return rows[0]!['QUERY PLAN'][0].Plan['Plan Rows'];
  }

  async *#stream(query: string, { from, to }: ExportRange, { alive, signal }: ExportRun): TextRows {
    signal.throwIfAborted();
    const socket = endingWhenSilent(SILENCE_MS);
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'task-worker-export',
      connectionTimeoutMillis: seconds(10),
      keepAlive: true,
      stream: () => socket,
    });
    // A broken connection fails the read that waits for it. Without a listener it would end the process.
    client.on('error', () => undefined);
    // The socket, because `end` of a client that is still connecting leaves both waiting for each other.
    const stop = (): void => void socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    let pulse: NodeJS.Timeout | undefined;
    try {
      await client.connect();
      await client.query('begin read only');
      await client.query(SETTINGS, [from ?? '-infinity', to ?? 'infinity', `${LOCK_LIMIT_MS}ms`]);
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      pulse = setInterval(() => void this.#isWorking(rows[0]!.pid).then((is) => is && alive()), PULSE_MS);
      yield* copiedLines(client.query(copyTo(`copy (${query}) to stdout`)));
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      clearInterval(pulse);
      await within(CLOSE_MS, client.end()).catch(() => undefined);
      socket.destroy();
    }
  }

  /** Whether the server works on the statement of this session: it may sort for minutes before the first row. Waiting for us is no work. */
  async #isWorking(pid: number): Promise<boolean> {
    const { rows } = await sql`
      select 1 from pg_stat_activity
       where pid = ${pid} and state = 'active' and wait_event_type is distinct from 'Client'`
      .execute(this.#db)
      .catch(() => ({ rows: [] }));
    return rows.length > 0;
  }
}
