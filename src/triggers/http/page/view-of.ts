import type { FastifyRequest } from 'fastify';
import { reaches } from '../../../lib/api-role.ts';
import type { Locale } from '../../../lib/locale.ts';
import { cookieIn } from '../auth/cookies.ts';
import type { View } from './parts.ts';
import { sayIn } from './texts.ts';

export const LOCALE_COOKIE = 'worker_locale';

const localeOf = (text: unknown): Locale | undefined => (text === 'ru' || text === 'en' ? text : undefined);

/** The language that the address of this request asks for. */
export const askedLocale = (request: FastifyRequest): Locale | undefined =>
  localeOf((request.query as Record<string, unknown>).lang);

/** Takes the first language of these: asked for now, chosen before, the browser's, ours. */
export function viewOf(request: FastifyRequest, fallback: Locale, now: Date): View {
  const preferred = request.headers['accept-language']?.slice(0, 2).toLowerCase();
  const locale =
    askedLocale(request) ??
    localeOf(cookieIn(request.headers.cookie, LOCALE_COOKIE)) ??
    localeOf(preferred) ??
    fallback;
  const role = request.caller?.role;
  return { locale, now, say: sayIn(locale), may: (needs) => role !== undefined && reaches(role, needs) };
}
