import { errorCode } from './errors.ts';

/**
 * Codes of PostgreSQL when it ends sessions, is starting or takes no more (https://www.postgresql.org/docs/current/errcodes-appendix.html),
 * and of the network.
 */
const CODES =
  /^(08\w{3}|57P0[1-4]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** Messages of pg, its pool and ioredis that have no code. */
const WORDS =
  /connection terminated|not queryable|timeout exceeded when trying to connect|connection timeout|connection is closed|command timed out|max retries per request/i;

/** Whether the error means that PostgreSQL or Redis was away and the request itself is not at fault. Looks through the causes too. */
export function isServerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return CODES.test(errorCode(error)) || WORDS.test(error.message) || isServerAway(error.cause);
}
