import { Socket } from 'node:net';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { minutes, seconds } from '../lib/duration.ts';
import { errorCode, errorMessage } from '../lib/errors.ts';
import type { Tables } from './tables.ts';

export type Database = Kysely<Tables>;

/** When a server last said that it takes no writes. */
export type PrimaryLoss = { at: number };

export type DatabaseOptions = {
  url: string;
  poolSize: number;
  /** Shared by pools of one server: a pool that only reads would hear of a switchover from nobody, and read on at the old primary. */
  loss?: PrimaryLoss;
  /** The longest that a statement may take, where it is not the usual limit. */
  statementLimitMs?: number;
  /** For tests: how long a connection in use may be silent. */
  silenceMs?: number;
  /** An idle connection broke; the pool replaces it. */
  onIdleError(error: Error): void;
  /** A statement was answered; its text has placeholders, never values. */
  onStatement?: ((statement: { sql: string; ms: number }) => void) | undefined;
};

const INT8 = 20;

/** A statement that hangs on a lock must not hold a task forever. Exports use their own, longer limit. */
export const STATEMENT_LIMIT_MS = seconds(30);
/**
 * The server answers every statement within its limit, so a connection that is in use and silent for longer is dead, though neither end
 * was told (a firewall forgot it, a machine vanished): it is replaced.
 */
const SILENCE_BEYOND_MS = seconds(5);
/** The other way round: a session whose client vanished in the middle of a transaction must not keep its locks. Ours pause for milliseconds. */
export const IDLE_IN_TRANSACTION_MS = seconds(20);
/** The words of PgBouncer, with the code of any violation of the protocol. */
const REFUSED_BY_POOLER = /unsupported startup parameter/i;
/** Idle connections are closed before they could count as silent. */
const IDLE_MS = seconds(30);
/** A connection is replaced at this age, so that no session stays with a server to which the address no longer leads. */
const MAX_AGE_MS = minutes(5);

/** The server has become read-only, or is about to end: after a switchover its address may lead to another one. */
const NO_PRIMARY = /^(25006|57P0[1-5]|08\w{3})$/;

/**
 * Opens a pool. It connects lazily and reconnects on its own, so a database that is down or restarts needs no restart of the worker.
 * 64-bit integers arrive as numbers; one outside the safe range arrives as the text that it is, never as a wrong number, and never as an error:
 * that would take the whole result with it, after the statement has had its effect. Readers of rows leave such a one out (`columns.ts`).
 * `numeric` stays text.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { statementLimitMs = STATEMENT_LIMIT_MS } = options;
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8, (text: string) => {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : text;
  });
  /**
   * Asked for in the first message of a connection, which costs nothing. A pooler refuses such a request, as it is about a session of the
   * server, which many share. Then the role itself has to have them (docs/deployment.md), and `doctor` says whether it has.
   */
  const settings = {
    statement_timeout: statementLimitMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // PostgreSQL compiles what it believes to be a long statement, for 50 to 200 ms: more than each of ours takes (bench/console.ts).
    options: '-c jit=off',
  };
  let isPooled = false;
  class Session extends pg.Client {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, ...(!isPooled && settings) });
    }
  }
  const pool = new pg.Pool({
    Client: Session,
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: seconds(10),
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: MAX_AGE_MS / 1000,
    keepAlive: true,
    application_name: 'task-worker',
    stream: () => endingWhenSilent(options.silenceMs ?? statementLimitMs + SILENCE_BEYOND_MS),
    types,
  });
  pool.on('error', (error) => options.onIdleError(error));
  // A connection has no other listener between two statements of its user, and while the pool closes it: one that breaks just then
  // must not end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  replaceReadOnly(pool, options.loss ?? { at: Number.NEGATIVE_INFINITY });
  const connect = async (): Promise<pg.PoolClient> => {
    try {
      return await pool.connect();
    } catch (error) {
      if (isPooled || !REFUSED_BY_POOLER.test(errorMessage(error))) throw error;
      isPooled = true;
      return await pool.connect();
    }
  };
  const { onStatement } = options;
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: pool.options }, cursor: Cursor }),
    ...(onStatement && { log: ({ query, queryDurationMillis: ms }) => onStatement({ sql: query.sql, ms }) }),
  });
}

/**
 * Throws a connection away after its server has said that it takes no writes, and with it those that were opened before: a primary that
 * became a standby, or was made read-only, keeps its sessions, and they would fail one after the other, or read what is old.
 */
function replaceReadOnly(pool: pg.Pool, loss: PrimaryLoss): void {
  const openedAt = new WeakMap<object, number>();
  pool.on('connect', (client) => {
    openedAt.set(client, performance.now());
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const watched = (...args: unknown[]): unknown => {
      const answer = query(...args);
      if (answer instanceof Promise)
        answer.catch((error: unknown) => {
          if (NO_PRIMARY.test(errorCode(error))) loss.at = performance.now();
        });
      return answer;
    };
    client.query = watched as typeof client.query;
  });
  // The pool removes a connection that is ending when it is given back.
  pool.on('release', (_error, client) => {
    if ((openedAt.get(client) ?? 0) <= loss.at) void client.end().catch(() => undefined);
  });
}

/** A socket for one connection that ends with an error once nothing has been heard or said for this long. */
export function endingWhenSilent(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => {
    const message = `database: no answer within ${silenceMs} ms, the connection is given up`;
    socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
  });
  return socket;
}
