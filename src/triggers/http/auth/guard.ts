import type { FastifyInstance, FastifyRequest } from 'fastify';
import { minutes } from '../../../lib/duration.ts';
import type { Log } from '../../../observability/log.ts';
import { answerProblem, Problem, tooMany } from '../problem.ts';
import { cookieIn } from './cookies.ts';
import { clientOf, RateLimit } from './rate-limit.ts';
import { Sessions } from './sessions.ts';
import { type NamedToken, TokenBook } from './tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of the token that the request was authenticated with. */
    caller?: string;
  }
}

export const SESSION_COOKIE = 'worker_session';

/** Far above the rate of a busy backend; it stops a loop that ran wild. */
const REQUESTS_PER_MINUTE = 6_000;
/** Tokens have at least 16 characters, so guessing is hopeless; this limit also keeps the guesses few. */
const FAILURES = 10;
const FAILURES_WINDOW_MS = minutes(5);

export type GuardOptions = { tokens: readonly NamedToken[]; clock: () => Date; log: Log };

/** Decides which requests may pass: those with a bearer token, or with the session of a person who logged in with one. */
export class Guard {
  readonly sessions: Sessions;
  readonly #log: Log;
  readonly #tokens: TokenBook;
  readonly #requests = new RateLimit({ limit: REQUESTS_PER_MINUTE, windowMs: minutes(1) });
  readonly #failures = new RateLimit({ limit: FAILURES, windowMs: FAILURES_WINDOW_MS });

  constructor({ tokens, clock, log }: GuardOptions) {
    this.#log = log;
    this.#tokens = new TokenBook(tokens);
    this.sessions = new Sessions(tokens, clock);
  }

  /** Closes every route of a scope to strangers: a person who is not logged in is sent to the login. */
  closeToStrangers(scope: FastifyInstance): void {
    scope.addHook('onRequest', async (request, reply) => {
      const isStranger = request.headers.authorization === undefined && this.#cookieName(request) === undefined;
      if (isStranger) return reply.redirect('/login', 303);
      try {
        this.admit(request);
        return undefined;
      } catch (problem) {
        // A scope may have its own error handler, as the board has; refusals of the guard are answered here.
        return answerProblem(problem, request, reply, this.#log);
      }
    });
  }

  /** Sets `request.caller`, or throws the problem: 401, 403 for a forged form, 429. */
  admit(request: FastifyRequest): void {
    const name = this.#bearer(request) ?? this.#session(request);
    if (name === undefined)
      throw new Problem('unauthorized', 'Send the header `Authorization: Bearer <token>` with a token of API_TOKENS.', {
        headers: { 'www-authenticate': 'Bearer realm="task-worker"' },
      });
    const waitMs = this.#requests.take(name);
    if (waitMs > 0) throw tooMany(`More than ${REQUESTS_PER_MINUTE} requests of '${name}' in a minute.`, waitMs);
    request.caller = name;
  }

  /**
   * The name behind a session cookie. Throws 403 where a request that changes something does not come from our own page. SameSite=Strict
   * alone would let a sibling subdomain pass.
   */
  #session(request: FastifyRequest): string | undefined {
    const name = this.#cookieName(request);
    if (name !== undefined && request.method !== 'GET' && request.method !== 'HEAD') assertSameOrigin(request);
    return name;
  }

  #cookieName(request: FastifyRequest): string | undefined {
    const cookie = cookieIn(request.headers.cookie, SESSION_COOKIE);
    return cookie === undefined ? undefined : this.sessions.nameIn(cookie);
  }

  /** The name of a token that was typed into the login form. After too many failures from one address, no token is checked. */
  login(token: string, request: FastifyRequest): string | undefined {
    const client = clientOf(request.ip);
    const waitMs = this.#failures.waitMs(client);
    if (waitMs > 0) throw tooMany('Too many failed logins from this address.', waitMs);
    const name = this.#tokens.nameOf(token);
    if (name === undefined) this.#failures.take(client);
    return name;
  }

  /**
   * A right token always passes, even from an address that many share: behind a proxy, one program with an old token must not lock out the
   * others. Wrong tokens end in 429.
   */
  #bearer(request: FastifyRequest): string | undefined {
    const header = request.headers.authorization;
    if (header === undefined) return undefined;
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    const name = token === undefined ? undefined : this.#tokens.nameOf(token);
    if (name !== undefined) return name;
    const waitMs = this.#failures.take(clientOf(request.ip));
    if (waitMs > 0) throw tooMany('Too many wrong tokens from this address.', waitMs);
    throw new Problem('unauthorized', 'This token is not one of API_TOKENS.', {
      headers: { 'www-authenticate': 'Bearer realm="task-worker", error="invalid_token"' },
    });
  }
}

/** Browsers say where a request comes from, and pages cannot change it. Throws 403 where it comes from another site, or does not say. */
export function assertSameOrigin(request: FastifyRequest): void {
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  // Over plain HTTP browsers omit `Sec-Fetch-Site`; then the origin must be the host that was called.
  const isOurs = site === undefined ? isHost(origin, host) : site === 'same-origin';
  if (!isOurs) throw new Problem('forbidden', 'A request with a session cookie must come from this page itself.');
}

const isHost = (origin: string | undefined, host: string | undefined): boolean =>
  origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
