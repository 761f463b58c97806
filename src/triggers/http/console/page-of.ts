import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ApiRole, reaches } from '../../../lib/api-role.ts';
import { days } from '../../../lib/duration.ts';
import type { Html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { ZonedClock } from '../../../lib/zoned-clock.ts';
import { cookieIn, strictCookie } from '../auth/cookies.ts';
import type { Caller } from '../auth/guard.ts';
import type { HttpContext } from '../context.ts';
import type { ConsoleView, FormOptions, Page } from './define-view.ts';
import { COMMON_WORDS } from './words.ts';

const LOCALE_COOKIE = 'worker_locale';
const CLOCK_COOKIE = 'worker_clock';

/** Query parameters that every address takes. They are not the view's. */
export const RESERVED: ReadonlySet<string> = new Set(['lang', 'clock']);

/** The languages and clocks that a reader can choose; a choice is kept for a year. */
type Choice = { cookie: string; value: string };

/** What the reader chooses with this address; the answer keeps it and leads to the address without the choice. */
export function chosen(request: FastifyRequest): readonly Choice[] {
  const { clock, lang } = request.query as Record<string, unknown>;
  return [
    ...(lang === 'en' || lang === 'ru' ? [{ cookie: LOCALE_COOKIE, value: lang }] : []),
    ...(clock === 'utc' || clock === 'local' ? [{ cookie: CLOCK_COOKIE, value: clock }] : []),
  ];
}

export function keepChoices(choices: readonly Choice[], reply: FastifyReply, { secureCookies }: HttpContext): void {
  for (const { cookie, value } of choices)
    reply.header('set-cookie', strictCookie(cookie, value, { maxAgeSeconds: days(365) / 1000, secure: secureCookies }));
}

/** Takes the first language of these: chosen before, the browser's, ours. */
function localeOf({ headers }: FastifyRequest, fallback: Locale): Locale {
  const known = (text: string | undefined): Locale | undefined => (text === 'ru' || text === 'en' ? text : undefined);
  return (
    known(cookieIn(headers.cookie, LOCALE_COOKIE)) ??
    known(headers['accept-language']?.slice(0, 2).toLowerCase()) ??
    fallback
  );
}

export type PageParts = {
  texts: ConsoleView['texts'];
  form(deed: string, options: FormOptions, page: Page<string>): Html;
};

/** The page of one request. Somebody who is not logged in may do nothing. */
export function pageOf(request: FastifyRequest, context: HttpContext, { form, texts }: PageParts): Page<string> {
  const { defaultLocale, timeZone } = context;
  const locale = localeOf(request, defaultLocale);
  const isLocal = cookieIn(request.headers.cookie, CLOCK_COOKIE) !== 'utc';
  const person: Caller = request.caller ?? { name: '', role: 'view' };
  const may = (needs: ApiRole): boolean => request.caller !== undefined && reaches(person.role, needs);
  const words: ConsoleView['texts'] = { ...COMMON_WORDS, ...texts };
  const page: Page<string> = {
    locale,
    person,
    may,
    now: context.clock(),
    clock: new ZonedClock(isLocal ? timeZone : 'UTC'),
    say: (word, ...values) => {
      let next = 0;
      const text = words[word]?.[locale] ?? word;
      return values.length === 0 ? text : text.replaceAll('%', () => String(values[next++] ?? ''));
    },
    link: (query) => linkTo(request, query),
    form: (deed, options = {}) => form(deed, options, page),
  };
  return page;
}

/** The address of this request with a changed query. */
export function linkTo(
  request: FastifyRequest,
  changes: Readonly<Record<string, string | number | undefined>>,
): string {
  const url = new URL(request.url, 'http://console');
  for (const name of RESERVED) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') url.searchParams.delete(name);
    else url.searchParams.set(name, String(value));
  }
  return url.pathname + url.search;
}
