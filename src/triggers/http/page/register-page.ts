import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import { type Html, html } from '../../../lib/html.ts';
import { deadLetter } from '../api/dead-letters.ts';
import { JobId } from '../api/schemas.ts';
import { auditedCaller } from '../auth/audited-caller.ts';
import { strictCookie } from '../auth/cookies.ts';
import { assertSameOrigin, type Caller, type Guard, SESSION_COOKIE } from '../auth/guard.ts';
import { SESSION_MS } from '../auth/sessions.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { registerAssets } from './assets.ts';
import { pageData } from './data.ts';
import { explained, liveParts, loginPage, operationsPage } from './layout.ts';
import type { View } from './parts.ts';
import { askedLocale, LOCALE_COOKIE, viewOf } from './view-of.ts';

/** The form has one field, a token. */
const LOGIN_BYTES = 2_048;

const Who = z.object({ who: z.string().trim().min(1).max(100) });
const Login = z.object({ token: z.string().trim().max(1_000).default('') });

const LOOKING = { config: { needs: 'view' } } as const;

/** Registers the operations page, its parts, login and logout. */
export function registerPage(server: FastifyInstance, context: HttpContext, guard: Guard): void {
  const view = (request: FastifyRequest): View => viewOf(request, context.defaultLocale, context.clock());
  registerAssets(server);
  registerLogin(server, context, guard, view);

  void server.register((scope, _options, done) => {
    guard.closeToStrangers(scope, 'owner');

    scope.get('/', LOOKING, async (request, reply) => {
      keepLocale(request, reply, context);
      const person = { name: request.caller!.name, version: context.version };
      return page(reply, operationsPage(await pageData(context), person, view(request)));
    });
    scope.get('/live', LOOKING, async (request, reply) =>
      page(reply, liveParts(await pageData(context), view(request))),
    );
    scope.get('/explain', { config: { needs: 'support' } }, async (request, reply) => {
      const { who } = read(Who, request.query);
      return page(reply, explained(await context.explainUser(who), view(request)));
    });
    scope.get('/dead-letters/:id', { config: { needs: 'admin' } }, async (request, reply) => {
      const { id } = read(JobId, request.params);
      const letter = await deadLetter(context, id);
      if (!letter) throw new Problem('not-found', `There is no dead letter ${id}.`);
      return page(reply, html`<pre>${JSON.stringify(letter.payload, undefined, 2)}</pre>`);
    });
    done();
  });
}

function registerLogin(
  server: FastifyInstance,
  context: HttpContext,
  guard: Guard,
  view: (request: FastifyRequest) => View,
): void {
  const secure = context.secureCookies;
  // The digest of a login would be one of the token.
  const audit = async (action: string, request: FastifyRequest, caller: Caller): Promise<void> => {
    const who = { ...auditedCaller(request, caller), payloadDigest: undefined };
    await context.audit({ action, entityType: 'session', entityId: caller.name, ...who });
  };
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LOGIN_BYTES },
      (_request, body, parsed) => parsed(null, Object.fromEntries(new URLSearchParams(body as string))),
    );

    scope.get('/login', (request, reply) => {
      keepLocale(request, reply, context);
      return page(reply, loginPage(undefined, view(request)));
    });

    scope.post('/login', { bodyLimit: LOGIN_BYTES }, async (request, reply) => {
      assertSameOrigin(request);
      const { token } = read(Login, request.body ?? {});
      try {
        const caller = await guard.login(token, request);
        if (!caller) return page(reply.code(401), loginPage('wrongToken', view(request)));
        await audit('session.opened', request, caller);
        const cookie = { maxAgeSeconds: SESSION_MS / 1000, secure };
        return reply
          .header('set-cookie', strictCookie(SESSION_COOKIE, guard.sessions.issue(caller.name), cookie))
          .redirect('/', 303);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== 'too-many-requests') throw error;
        return page(reply.code(429).headers(error.headers), loginPage('tooManyLogins', view(request)));
      }
    });

    scope.post('/logout', { bodyLimit: LOGIN_BYTES }, async (request, reply) => {
      assertSameOrigin(request);
      const caller = await guard.logout(request);
      if (caller) await audit('session.ended', request, caller);
      return reply
        .header('set-cookie', strictCookie(SESSION_COOKIE, '', { maxAgeSeconds: 0, secure }))
        .redirect('/login', 303);
    });
    done();
  });
}

/** Remembers a language that the address asked for. */
function keepLocale(request: FastifyRequest, reply: FastifyReply, { secureCookies }: HttpContext): void {
  const locale = askedLocale(request);
  if (!locale) return;
  const cookie = { maxAgeSeconds: days(365) / 1000, secure: secureCookies };
  reply.header('set-cookie', strictCookie(LOCALE_COOKIE, locale, cookie));
}

/** Throws a 400 where the browser sent something that our own page does not send. */
function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', z.prettifyError(parsed.error));
}

const page = (reply: FastifyReply, content: Html | string): FastifyReply =>
  reply.type('text/html; charset=utf-8').send(content.toString());
