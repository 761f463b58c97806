import { errorCode } from './errors.ts';

/**
 * SQLSTATEs of a PostgreSQL that takes no work from anybody now (https://www.postgresql.org/docs/current/errcodes-appendix.html): lost
 * connections, a server that is read-only, that ends or starts, and one without room for connections, rows or memory. The network's codes
 * follow.
 */
const CODES =
  /^(08\w{3}|25006|53[0-3]00|57P0[1-5]|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN)$/;

/**
 * First words of the error replies by which Redis refuses all work, or all writes (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 * A script that failed for one of them has it behind a dash.
 */
const REPLIES =
  /(?:^|-)(OOM|NOPERM|MISCONF|READONLY|LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS|UNBLOCKED|BUSY|NOAUTH|WRONGPASS) /;
/** Replies whose first word is a mere ERR. */
const ERR_REPLIES = /^ERR (max number of clients|the user executing the script can't run)/i;

/** Messages without a code. */
const WORDS: readonly (readonly [cause: string, words: RegExp])[] = [
  [
    'postgresql',
    /connection terminated|not queryable|timeout exceeded when trying to connect|connection timeout|not (currently|yet) accepting connections/i,
  ],
  [
    'redis',
    /connection is closed|stream isn't writeable|command timed out|max retries per request|failed to refresh slots cache|none of startup nodes|sentinels are unreachable|too many cluster redirections/i,
  ],
];

/** What Node tells about a call of the system that failed. */
type SystemError = { address?: unknown; port?: unknown; syscall?: unknown };

/**
 * The cause in one word, such as `OOM`, `25006` or `ECONNREFUSED 10.0.0.5:6379`, where the error means that PostgreSQL or Redis takes no
 * work now and the request itself is not at fault. Undefined for every other error. Looks through the causes too.
 */
export function outageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return replyOf(error) ?? codeOf(error) ?? wordsOf(error) ?? outageOf(error.cause);
}

/** Whether the error means that PostgreSQL or Redis was away, or refused all work, and the request itself is not at fault. */
export const isServerAway = (error: unknown): boolean => outageOf(error) !== undefined;

/** An error reply keeps its name in BullMQ and ioredis. Errors of a transaction lie inside the one that names it. */
function replyOf({ message, name, ...rest }: Error): string | undefined {
  if (name !== 'ReplyError') return undefined;
  const { previousErrors } = rest as { previousErrors?: unknown };
  if (Array.isArray(previousErrors)) return previousErrors.map(outageOf).find((cause) => cause !== undefined);
  return REPLIES.exec(message)?.[1] ?? (ERR_REPLIES.test(message) ? 'ERR' : undefined);
}

function codeOf(error: Error): string | undefined {
  const code = errorCode(error);
  const { address, port, syscall } = error as SystemError;
  // A server that listens on a socket in the file system has none while it is down.
  const isMissingSocket = code === 'ENOENT' && syscall === 'connect';
  if (!CODES.test(code) && !isMissingSocket) return undefined;
  return [code, [address, port].filter((part) => part !== undefined).join(':')].filter(Boolean).join(' ');
}

const wordsOf = ({ message }: Error): string | undefined => WORDS.find(([, words]) => words.test(message))?.[0];
