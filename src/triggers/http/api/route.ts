import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiRole } from '../../../lib/api-role.ts';
import { type IssueInWords, issueInWords, issuesInWords } from '../../../lib/issue-in-words.ts';
import { siftFields, unknownInWords } from '../../../lib/unknown-fields.ts';
import { andMore, LISTED_PROBLEMS } from '../../../runtime/payload-error.ts';
import type { Act } from '../../act.ts';
import { auditedCaller, callerOf } from '../auth/audited-caller.ts';
import type { Guard } from '../auth/guard.ts';
import type { HttpContext } from '../context.ts';
import { type FieldError, Problem, type ProblemKind } from '../problem.ts';
import type { HeaderName } from './components.ts';

/** A successful answer of a route. */
export type Answer = {
  description: string;
  /** The schema of the JSON body; absent where the answer is not JSON. */
  schema?: z.ZodType;
  /** A media type other than JSON. */
  mediaType?: string;
  /** Headers that a client may need. */
  headers?: readonly HeaderName[];
};

/** The parts of a request that a route declares, parsed. */
export type Input<P, Q, H, B> = { params: P; query: Q; headers: H; body: B };

/** The caller of a request, and the means to follow it. */
export type Call = {
  /** The initiator: `token:` and the name of the token, or `signed link`. */
  caller: string;
  request: FastifyRequest;
  /** Records what the caller does. False where it could not be written. */
  audit(act: Act): Promise<boolean>;
  /** For answers that are not JSON; a handler that uses it returns `SENT`. */
  reply: FastifyReply;
};

export type Reply = { status: number; body?: unknown; headers?: Readonly<Record<string, string>> };

/** Returned instead of an answer where the route deals with the reply itself. */
export const SENT = Symbol('sent');

/**
 * One route of the API: its input, its answers and its handler. The same schemas validate requests and become the OpenAPI document, so the
 * two cannot differ.
 */
export type ApiRoute<P = unknown, Q = unknown, H = unknown, B = unknown> = {
  /** `operationId` of the OpenAPI document: the method's name in generated clients. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With parameters in braces: `/api/v1/jobs/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** The least role that may call it. */
  readonly needs: ApiRole;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly headers?: z.ZodType<H>;
  readonly body?: z.ZodType<B>;
  /** The largest body in bytes, where it is not the server's own limit. */
  readonly bodyBytes?: number;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Problems besides those that every route has, and those of every body. */
  readonly problems?: readonly ProblemKind[];
  /** Lets a request in without a token: a signed link. */
  isOpenTo?(request: FastifyRequest): boolean;
  /** `SENT` where the route has sent or will send the answer itself. */
  handle(input: Input<P, Q, H, B>, call: Call): Promise<Reply | typeof SENT>;
};

/** Returns its argument. At compile time it ties the handler to the schemas. */
export function apiRoute<P = undefined, Q = undefined, H = undefined, B = undefined>(
  route: ApiRoute<P, Q, H, B>,
): ApiRoute {
  return route as unknown as ApiRoute;
}

/** Adds the routes. `guard` lets in only requests with a token, or with a link to a route that has signed links. */
export function registerRoutes(
  scope: FastifyInstance,
  routes: readonly ApiRoute[],
  { audit, guard }: Pick<HttpContext, 'audit'> & { guard: Guard },
): void {
  for (const route of routes) {
    scope.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      ...(route.bodyBytes !== undefined && { bodyLimit: route.bodyBytes }),
      onRequest: async (request) => {
        if (!route.isOpenTo?.(request)) await guard.admit(request, route.needs);
      },
      handler: async (request, reply) => {
        const answer = await route.handle(readInput(route, request), {
          caller: callerOf(request.caller),
          request,
          reply,
          audit: (act) => audit({ ...act, ...auditedCaller(request) }),
        });
        if (answer === SENT) return reply;
        const { status, body, headers = {} } = answer;
        return reply.code(status).headers(headers).send(body);
      },
    });
  }
}

/** The schema of a part that a route does not declare. */
const NOTHING = z.object({});

/**
 * The request's parts as the route declares them. Throws a `Problem` that lists the first bad fields of all parts. A query parameter or a
 * field of the body that the route does not declare is bad: its sender expects something of it.
 */
function readInput(route: ApiRoute, request: FastifyRequest): Input<unknown, unknown, unknown, unknown> {
  const errors: FieldError[] = [];
  const refuseUnknown = (schema: z.ZodType | undefined, value: unknown, prefix: 'query' | ''): void => {
    for (const field of siftFields(schema ?? NOTHING, value).unknown) {
      const isListed = errors.length < LISTED_PROBLEMS;
      const message = isListed ? unknownInWords(field, prefix === 'query' ? 'query parameter' : 'field') : '';
      errors.push(fieldError({ message, path: field.path }, prefix));
    }
  };
  refuseUnknown(route.query, request.query, 'query');
  refuseUnknown(route.body, request.body, '');
  const read = (schema: z.ZodType | undefined, value: unknown, prefix: string): unknown => {
    if (!schema) return undefined;
    const parsed = schema.safeParse(value, { error: issueInWords });
    if (parsed.success) return parsed.data;
    for (const issue of issuesInWords(parsed.error.issues)) errors.push(fieldError(issue, prefix));
    return undefined;
  };
  const input = {
    params: read(route.params, request.params, 'path'),
    query: read(route.query, request.query, 'query'),
    headers: read(route.headers, request.headers, 'header'),
    body: read(route.body, request.body, ''),
  };
  if (errors.length === 0) return input;
  const listed = errors.slice(0, LISTED_PROBLEMS).map(({ pointer, detail }) => `${pointer || 'body'}: ${detail}`);
  throw new Problem('bad-request', listed.join('; ') + andMore(errors.length), { errors });
}

/** A name in a path may be any text that was sent. */
const NAME_SHOWN = 100;

function fieldError(issue: IssueInWords, prefix: string): FieldError {
  const path = issue.path.map((part) => String(part).slice(0, NAME_SHOWN).replaceAll('~', '~0').replaceAll('/', '~1'));
  const pointer = prefix ? [prefix, ...path].join(' ') : path.map((part) => `/${part}`).join('');
  return { pointer, detail: issue.message };
}
