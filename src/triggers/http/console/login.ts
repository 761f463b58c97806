import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { html } from '../../../lib/html.ts';
import { auditedCaller } from '../auth/audited-caller.ts';
import { strictCookie } from '../auth/cookies.ts';
import { assertSameOrigin, type Caller, type Guard, SESSION_COOKIE } from '../auth/guard.ts';
import { SESSION_MS } from '../auth/sessions.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import type { Page, Text } from './define-view.ts';
import { registerLoginLink } from './login-link.ts';
import { chosen, keepChoices, linkTo, pageOf } from './page-of.ts';
import { sendPage } from './send-page.ts';
import type { AssetAddresses } from './serve-assets.ts';
import { consoleDocument } from './shell.ts';

/** The form has a token, and the address that the reader came for. */
const LOGIN_BYTES = 8_192;

const Login = z.object({ token: z.string().trim().max(1_000).default(''), to: z.string().max(4_000).default('') });

const TEXTS = {
  title: { en: 'Log in', ru: 'Войти' },
  token: { en: 'API token', ru: 'Токен API' },
  tokenHint: {
    en: 'One of the tokens in API_TOKENS; what you do is recorded under its name.',
    ru: 'Один из токенов API_TOKENS; все действия записываются под его именем.',
  },
  wrongToken: { en: 'This token is not known.', ru: 'Такого токена нет.' },
  tooManyLogins: {
    en: 'Too many failed logins from this address. Try again later.',
    ru: 'Слишком много неудачных попыток с этого адреса. Попробуйте позже.',
  },
} as const satisfies Readonly<Record<string, Text>>;

type LoginPage = Page<keyof typeof TEXTS>;

/** Registers login and logout. A login leads to the address that was asked for before it. */
export function registerLogin(
  server: FastifyInstance,
  context: HttpContext,
  guard: Guard,
  assets: AssetAddresses,
): void {
  const secure = context.secureCookies;
  // The digest of a login would be one of the token.
  const audit = async (action: string, request: FastifyRequest, caller: Caller): Promise<void> => {
    const who = { ...auditedCaller(request, caller), payloadDigest: undefined };
    await context.audit({ action, entityType: 'session', entityId: caller.name, ...who });
  };
  const answer = async (
    problem: 'wrongToken' | 'tooManyLogins' | undefined,
    to: string,
    reply: FastifyReply,
    request: FastifyRequest,
  ): Promise<FastifyReply> => {
    const page: LoginPage = pageOf(request, context, { texts: TEXTS, form: () => html`` });
    return await sendPage(loginPage(assets, problem, to, page), reply, request);
  };
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: LOGIN_BYTES },
      (_request, body, parsed) => parsed(null, Object.fromEntries(new URLSearchParams(body as string))),
    );

    scope.get('/login', async (request, reply) => {
      const choices = chosen(request);
      if (choices.length === 0) return await answer(undefined, toOf(request), reply, request);
      keepChoices(choices, reply, context);
      return reply.redirect(linkTo(request, {}), 303);
    });

    scope.post('/login', { bodyLimit: LOGIN_BYTES }, async (request, reply) => {
      assertSameOrigin(request);
      const { to, token } = readLogin(request.body);
      try {
        const caller = await guard.login(token, request);
        if (!caller) return await answer('wrongToken', to, reply.code(401), request);
        await audit('session.opened', request, caller);
        const cookie = { maxAgeSeconds: SESSION_MS / 1000, secure };
        return reply
          .header('set-cookie', strictCookie(SESSION_COOKIE, guard.sessions.issue(caller.name), cookie))
          .redirect(safeTarget(to), 303);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== 'too-many-requests') throw error;
        return await answer('tooManyLogins', to, reply.code(429).headers(error.headers), request);
      }
    });

    registerLoginLink(scope, {
      assets,
      context,
      guard,
      opened: (request, caller) => audit('session.opened', request, caller),
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

function toOf(request: FastifyRequest): string {
  const { to } = request.query as Record<string, unknown>;
  return typeof to === 'string' ? to : '';
}

/** Throws a 400 where the browser sent something that our own page does not send. */
function readLogin(body: unknown): z.output<typeof Login> {
  const parsed = Login.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', z.prettifyError(parsed.error));
}

/** An address of this console; the first page for anything else, so that a link to the login cannot lead to another site. */
export function safeTarget(to: string): string {
  if (!URL.canParse(to, 'http://console')) return '/';
  const url = new URL(to, 'http://console');
  const isOurs = url.origin === 'http://console' && to.startsWith('/') && !/^\/[/\\]/.test(to);
  return isOurs && url.pathname !== '/login' ? url.pathname + url.search : '/';
}

function loginPage(
  assets: AssetAddresses,
  problem: 'wrongToken' | 'tooManyLogins' | undefined,
  to: string,
  page: LoginPage,
): string {
  const { link, locale, say } = page;
  const other = locale === 'ru' ? 'en' : 'ru';
  const body = html`<main class="login card"><form method="post" action="/login">
<h1><img src="${assets.icon}" alt="" width="28" height="28"> ${say('product')}</h1>
${problem ? html`<p class="bad" role="alert">${say(problem)}</p>` : ''}
<input type="hidden" name="to" value="${to}">
<label for="token">${say('token')}</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" maxlength="500" aria-describedby="token-hint">
<p class="muted" id="token-hint">${say('tokenHint')}</p>
<button class="primary">${say('title')}</button>
<p><a href="${link({ lang: other })}" lang="${other}" hreflang="${other}">${say('otherLanguage')}</a></p>
</form></main>`;
  return consoleDocument(assets, { title: `${say('title')} · ${say('product')}`, body, scripts: false }, page);
}
