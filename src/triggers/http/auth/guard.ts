import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API_ROLE_MEANINGS, type ApiRole, reaches } from '../../../lib/api-role.ts';
import { minutes } from '../../../lib/duration.ts';
import type { Log } from '../../../observability/log.ts';
import type { EndedSessions } from '../../../repositories/redis/ended-sessions.ts';
import { answerProblem, Problem, tooMany } from '../problem.ts';
import { addressOf } from './address.ts';
import { cookieIn } from './cookies.ts';
import { FailedLogins } from './failed-logins.ts';
import { clientOf, RateLimit } from './rate-limit.ts';
import { type Session, Sessions } from './sessions.ts';
import { type NamedToken, TokenBook } from './tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The owner of the token that the request was authenticated with. */
    caller?: Caller;
  }
  interface FastifyContextConfig {
    /** The least role that may call this route. */
    needs?: ApiRole;
  }
}

export type Caller = Pick<NamedToken, 'name' | 'role'>;

export const SESSION_COOKIE = 'worker_session';

/** Far above the rate of a busy backend; it stops a loop that ran wild. */
const REQUESTS_PER_MINUTE = 6_000;

export type GuardOptions = {
  tokens: readonly NamedToken[];
  /** People who log in by a link and have no token that opens anything; theirs sign their sessions. */
  people: readonly NamedToken[];
  endedSessions: Pick<EndedSessions, 'add' | 'has'>;
  clock: () => Date;
  log: Log;
};

/** Decides which requests may pass: those with a bearer token, or with the session of a person who logged in with one. */
export class Guard {
  readonly sessions: Sessions;
  readonly #options: GuardOptions;
  readonly #tokens: TokenBook;
  readonly #roles: ReadonlyMap<string, ApiRole>;
  readonly #requests = new RateLimit({ limit: REQUESTS_PER_MINUTE, windowMs: minutes(1) });
  readonly #wrongBearers = new FailedLogins();
  readonly #wrongLogins = new FailedLogins();

  constructor(options: GuardOptions) {
    const { clock, people, tokens } = options;
    const all = [...tokens, ...people];
    this.#options = options;
    this.#tokens = new TokenBook(tokens);
    this.#roles = new Map(all.map(({ name, role }) => [name, role]));
    this.sessions = new Sessions(all, clock);
  }

  /**
   * Closes every route of a scope to strangers: a person who is not logged in is sent to the login, which leads back. A route says in its
   * configuration what it needs; `fallback` is for those that cannot. `refuse` answers those who may not pass, where it is not a problem as
   * JSON.
   */
  closeToStrangers(scope: FastifyInstance, fallback: ApiRole, refuse?: Refuse): void {
    scope.addHook('onRequest', async (request, reply) => {
      try {
        const name = await this.#identify(request);
        if (name === undefined) return sendToLogin(request, reply);
        this.#pass(name, request, request.routeOptions.config.needs ?? fallback);
        return undefined;
      } catch (problem) {
        // A scope may have its own error handler, as the board has; refusals of the guard are answered here.
        return await (refuse ?? answerAsJson(this.#options.log))(problem, request, reply);
      }
    });
  }

  /** Says who is calling, where that is known, and asks for no role. Sets `request.caller`. */
  async recognise(request: FastifyRequest): Promise<void> {
    const name = await this.#identify(request);
    if (name !== undefined) request.caller = this.#callerOf(name);
  }

  /** Sets `request.caller`, or throws the problem: 401, 403 for too small a role or a forged form, 429. */
  async admit(request: FastifyRequest, needs: ApiRole): Promise<void> {
    const name = await this.#identify(request);
    if (name === undefined)
      throw new Problem('unauthorized', 'Send the header `Authorization: Bearer <token>` with a token of API_TOKENS.', {
        headers: { 'www-authenticate': 'Bearer realm="task-worker"' },
      });
    this.#pass(name, request, needs);
  }

  /** The owner of a token that was typed into the login form. Throws 429 for a wrong one after too many from one address. */
  async login(token: string, request: FastifyRequest): Promise<Caller | undefined> {
    const name = this.#tokens.nameOf(token);
    if (name !== undefined) return this.#callerOf(name);
    const waitMs = await this.#wrongLogins.count(clientOf(addressOf(request)), token);
    if (waitMs > 0) throw tooMany('Too many failed logins from this address.', waitMs);
    return undefined;
  }

  /** Somebody who may log in, by name; undefined for one who may not any more. */
  known(name: string): Caller | undefined {
    return this.#roles.has(name) ? this.#callerOf(name) : undefined;
  }

  /** Ends the session of this request, for every process: its cookie opens nothing any more. Undefined where it has none. */
  async logout(request: FastifyRequest): Promise<Caller | undefined> {
    const session = await this.#sessionOf(request);
    if (!session) return undefined;
    const { clock, endedSessions } = this.#options;
    await endedSessions.add(session.id, session.endsAt.getTime() - clock().getTime());
    return this.#callerOf(session.name);
  }

  #callerOf(name: string): Caller {
    return { name, role: this.#roles.get(name)! };
  }

  async #identify(request: FastifyRequest): Promise<string | undefined> {
    if (request.headers.authorization !== undefined) return await this.#bearer(request.headers.authorization, request);
    const session = await this.#sessionOf(request);
    // SameSite=Strict alone would let a sibling subdomain pass.
    if (session && request.method !== 'GET' && request.method !== 'HEAD') assertSameOrigin(request);
    return session?.name;
  }

  #pass(name: string, request: FastifyRequest, needs: ApiRole): void {
    const waitMs = this.#requests.take(name);
    if (waitMs > 0) throw tooMany(`More than ${REQUESTS_PER_MINUTE} requests of '${name}' in a minute.`, waitMs);
    const caller = this.#callerOf(name);
    if (!reaches(caller.role, needs))
      throw new Problem(
        'forbidden',
        `This needs the role ${needs}, which ${API_ROLE_MEANINGS[needs]}; '${name}' has the role ${caller.role}. ${givesRoles(name, needs)}`,
      );
    request.caller = caller;
  }

  /** The session of the cookie. Throws where nobody can say whether it was ended. */
  async #sessionOf(request: FastifyRequest): Promise<Session | undefined> {
    const cookie = cookieIn(request.headers.cookie, SESSION_COOKIE);
    const session = cookie === undefined ? undefined : this.sessions.read(cookie);
    return session && !(await this.#options.endedSessions.has(session.id)) ? session : undefined;
  }

  async #bearer(header: string, request: FastifyRequest): Promise<string> {
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    const name = token === undefined ? undefined : this.#tokens.nameOf(token);
    if (name !== undefined) return name;
    const waitMs = await this.#wrongBearers.count(clientOf(addressOf(request)), token ?? header);
    if (waitMs > 0) throw tooMany('Too many wrong tokens from this address.', waitMs);
    throw new Problem('unauthorized', 'This token is not one of API_TOKENS.', {
      headers: { 'www-authenticate': 'Bearer realm="task-worker", error="invalid_token"' },
    });
  }
}

const givesRoles = (name: string, role: ApiRole): string =>
  name.includes(':')
    ? `ADMIN_TELEGRAM_IDS gives roles, as id:${role}.`
    : `API_TOKENS gives roles, as name:token:${role}.`;

/** Answers somebody who may not pass. */
type Refuse = (problem: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

const answerAsJson =
  (log: Log): Refuse =>
  async (problem, request, reply) =>
    answerProblem(problem, request, reply, log);

/** The address that was asked for is in the query, so that the login leads to it. A script gets a header in place of a redirect. */
function sendToLogin(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isLooking = request.method === 'GET' || request.method === 'HEAD';
  const to = isLooking && request.url !== '/' ? `?to=${encodeURIComponent(request.url)}` : '';
  if (request.headers['hx-request'] === 'true') return reply.code(401).header('hx-redirect', `/login${to}`).send();
  return reply.redirect(`/login${to}`, 303);
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
