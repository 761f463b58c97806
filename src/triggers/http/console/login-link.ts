import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { html } from '../../../lib/html.ts';
import { strictCookie } from '../auth/cookies.ts';
import { assertSameOrigin, type Caller, type Guard, SESSION_COOKIE } from '../auth/guard.ts';
import { SESSION_MS } from '../auth/sessions.ts';
import type { HttpContext } from '../context.ts';
import type { Page, Text } from './define-view.ts';
import { pageOf } from './page-of.ts';
import { sendPage } from './send-page.ts';
import type { AssetAddresses } from './serve-assets.ts';
import { consoleDocument } from './shell.ts';

/** Of 32 bytes as text; a longer one is none of ours. */
const CODE_CHARACTERS = 64;

const Code = z.object({ code: z.string().max(CODE_CHARACTERS).default('') }).catch({ code: '' });

const TEXTS = {
  linkTitle: { en: 'Log in', ru: 'Войти' },
  linkHint: {
    en: "The link of the staff's bot works once and for five minutes.",
    ru: 'Ссылка от служебного бота действует один раз и пять минут.',
  },
  linkOver: {
    en: 'This link was used already, or is older than five minutes. Send /login to the bot for a new one.',
    ru: 'Эта ссылка уже использована или старше пяти минут. Отправьте боту /login, чтобы получить новую.',
  },
} as const satisfies Readonly<Record<string, Text>>;

type LinkPage = Page<keyof typeof TEXTS>;

type LoginLinkOptions = {
  assets: AssetAddresses;
  context: HttpContext;
  guard: Guard;
  /** Records the login. */
  opened(request: FastifyRequest, caller: Caller): Promise<void>;
};

/**
 * Registers the page of a link that the staff's bot sends. Opening it uses nothing up, because programs that show previews open links too; the
 * button does.
 */
export function registerLoginLink(scope: FastifyInstance, { assets, context, guard, opened }: LoginLinkOptions): void {
  const answer = async (code: string | undefined, request: FastifyRequest, reply: FastifyReply) => {
    const page: LinkPage = pageOf(request, context, { texts: TEXTS, form: () => html`` });
    return await sendPage(linkPage(assets, code, page), reply, request);
  };

  scope.get('/login/link', async (request, reply) => await answer(Code.parse(request.query).code, request, reply));

  scope.post('/login/link', async (request, reply) => {
    assertSameOrigin(request);
    const name = await context.loginLinks.use(Code.parse(request.body).code);
    const caller = name === undefined ? undefined : guard.known(name);
    if (!caller) return await answer(undefined, request, reply.code(401));
    await opened(request, caller);
    const cookie = { maxAgeSeconds: SESSION_MS / 1000, secure: context.secureCookies };
    return reply
      .header('set-cookie', strictCookie(SESSION_COOKIE, guard.sessions.issue(caller.name), cookie))
      .redirect('/', 303);
  });
}

/** Without a code: the link is over. */
function linkPage(assets: AssetAddresses, code: string | undefined, page: LinkPage): string {
  const { say } = page;
  const form =
    code === undefined
      ? html`<p class="bad" role="alert">${say('linkOver')}</p>`
      : html`<input type="hidden" name="code" value="${code}">
<p class="muted">${say('linkHint')}</p>
<button class="primary" autofocus>${say('linkTitle')}</button>`;
  const body = html`<main class="login card"><form method="post" action="/login/link">
<h1><img src="${assets.icon}" alt="" width="28" height="28"> ${say('product')}</h1>
${form}
</form></main>`;
  return consoleDocument(assets, { title: `${say('linkTitle')} · ${say('product')}`, body, scripts: false }, page);
}
