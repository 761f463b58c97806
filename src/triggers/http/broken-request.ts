import type { Socket } from 'node:net';
import { PROBLEM_TYPE, PROBLEMS, Problem, type ProblemKind, problemText } from './problem.ts';

/** The answers to a client whose request never became one. */
const TOLD: Readonly<Record<string, readonly [ProblemKind, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', 'Send the whole request within a minute.'],
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'Send at most 16 KB of headers.'],
};
const OTHERWISE = ['bad-request', 'This is not a request of HTTP/1.1.'] as const;

/** Answers a request that broke off, was too slow or is no HTTP, and ends its connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [kind, detail] = TOLD[error.code ?? ''] ?? OTHERWISE;
  const { status, title } = PROBLEMS[kind];
  const body = problemText(new Problem(kind, detail), '/');
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // A client that does not close its side either must not keep the connection.
  socket.destroySoon();
}
