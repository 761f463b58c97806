import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { errorMessage, PermanentError, TransientError } from '../../lib/errors.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Log } from '../../observability/log.ts';
import { TaskDisabledError } from '../../runtime/dispatcher.ts';
import { LISTED_PROBLEMS, PayloadError } from '../../runtime/payload-error.ts';
import { UnknownTaskError } from '../../runtime/registry.ts';

/** The meaning of each `type` of problem: RFC 9457, section 3.1.1. The docs page explains each under its name. */
export const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request does not fit' },
  'bad-payload': { status: 400, title: 'The payload does not fit the task' },
  unauthorized: { status: 401, title: 'Who is calling is not known' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'unknown-task': { status: 404, title: 'There is no such task' },
  'method-not-allowed': { status: 405, title: 'Not a method of this address' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'Not possible in the present state' },
  'task-disabled': { status: 409, title: 'The task is switched off' },
  'too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'bad-range': { status: 416, title: 'The file has no such range' },
  'key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'makes-no-sense': { status: 422, title: 'The fields fit, and together they make no sense' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'The worker failed' },
  unavailable: { status: 503, title: 'Something that the worker depends on is away' },
} as const;

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** An answer does not grow with the address that was called. */
const INSTANCE_SHOWN = 300;

export type ProblemKind = keyof typeof PROBLEMS;

/** One line for each bad field. `pointer` is a JSON Pointer (RFC 6901) into the body, or names the other place of the field. */
export type FieldError = { pointer: string; detail: string };

/** The body of every error answer, `application/problem+json`. */
export const ProblemBody = z
  .object({
    type: z.string().describe('What kind of problem it is; an address on the docs page'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What happened, and what to do'),
    instance: z.string().describe('The address that was called'),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .max(LISTED_PROBLEMS)
      .optional()
      .describe('The first bad fields; `detail` of the problem says how many more there are'),
  })
  .describe('Problem details, RFC 9457');

/** An answer other than success. Its message is for the caller. */
export class Problem extends PermanentError {
  override name = 'Problem';
  readonly kind: ProblemKind;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    kind: ProblemKind,
    detail: string,
    options: { errors?: readonly FieldError[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(kind, detail);
    this.kind = kind;
    this.errors = options.errors?.slice(0, LISTED_PROBLEMS);
    this.headers = options.headers ?? {};
  }
}

/** A 429 with `Retry-After`. */
export function tooMany(detail: string, waitMs: number): Problem {
  return new Problem('too-many-requests', detail, { headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) } });
}

/** A 503 with `Retry-After`. */
export function unavailable(detail: string): Problem {
  return new Problem('unavailable', detail, { headers: { 'retry-after': '5' } });
}

/** Answers any error as a problem. */
export function answerProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log | undefined,
): FastifyReply {
  const problem = loggedProblem(error, request, log);
  return reply
    .code(PROBLEMS[problem.kind].status)
    .headers(problem.headers)
    .type(PROBLEM_TYPE)
    .send(problemText(problem, request.url.split('?')[0]!));
}

/** The problem that an error is for the caller. An unexpected error is logged whole, and answered without its words. */
export function loggedProblem(error: unknown, request: FastifyRequest, log: Log | undefined): Problem {
  const problem = problemOf(error, request);
  const { status } = PROBLEMS[problem.kind];
  const where = { method: request.method, route: request.routeOptions.url };
  if (status === 503)
    log?.warn({ ...where, reason: errorMessage(error) }, 'request not answered, a dependency is away');
  else if (status >= 500) log?.error({ ...where, err: error }, 'request failed');
  return problem;
}

/** The body of the answer. */
export function problemText({ errors, kind, message }: Problem, instance: string): string {
  const { status, title } = PROBLEMS[kind];
  const body: z.output<typeof ProblemBody> = {
    type: `/api/docs#${kind}`,
    title,
    status,
    detail: message,
    instance: instance.slice(0, INSTANCE_SHOWN),
    ...(errors && { errors: [...errors] }),
  };
  return JSON.stringify(body);
}

/** Turns our own errors, Fastify's and those of the parts below into problems. */
function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof PayloadError) {
    const errors = error.issues.map(({ path, message }) => ({ pointer: pointerTo(path.split('.')), detail: message }));
    return new Problem('bad-payload', error.message, { errors });
  }
  if (error instanceof UnknownTaskError) return new Problem('unknown-task', error.message);
  if (error instanceof TaskDisabledError) return new Problem('task-disabled', error.message);
  if (error instanceof TransientError) return unavailable(error.message);
  const { code = '', statusCode = 500 } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const limit = request.routeOptions.bodyLimit;
    return new Problem('too-large', `Send at most ${limit} bytes.`);
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new Problem('unsupported-media-type', 'Send application/json in UTF-8.');
  if (statusCode >= 400 && statusCode < 500) return new Problem('bad-request', errorMessage(error));
  if (isServerAway(error)) return unavailable('Redis or PostgreSQL does not answer; try again shortly.');
  return new Problem('internal', 'The worker could not do this; its log says why.');
}

/** The JSON Pointer of a path; `(payload)` stands for the whole body. */
export const pointerTo = (path: readonly string[]): string =>
  path[0] === '(payload)' ? '' : path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
