import { errorCode } from './errors.ts';

/** PostgreSQL ends sessions, is starting or takes no more (https://www.postgresql.org/docs/current/errcodes-appendix.html); what the network says. */
const CODES =
  /^(08\w{3}|57P0[1-4]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** What pg, its pool and ioredis say without a code. */
const WORDS =
  /connection terminated|not queryable|timeout exceeded when trying to connect|connection timeout|connection is closed|command timed out|max retries per request/i;

/** Whether PostgreSQL or Redis was away, so that nothing is wrong with what was asked of it. Looks through causes. */
export function isServerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return CODES.test(errorCode(error)) || WORDS.test(error.message) || isServerAway(error.cause);
}
