import { html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';

const WORDS = {
  en: { critical: 'CRITICAL', warning: 'WARNING', ended: 'RESOLVED', page: 'All alerts' },
  ru: { critical: 'КРИТИЧНО', warning: 'ВНИМАНИЕ', ended: 'УСТРАНЕНО', page: 'Все оповещения' },
} as const;

/** An alert as e-mail. Its subject says which alert it is, so that its end stands beside it. */
export function alertEmail(
  alert: { phase: 'began' | 'ended'; severity: 'critical' | 'warning'; text: string; url: string | undefined },
  locale: Locale,
): { subject: string; text: string; html: string; locale: Locale } {
  const { phase, severity, text, url } = alert;
  const words = WORDS[locale];
  const what = firstLine(text);
  const link = url === undefined ? '' : html`<p><a href="${url}">${words.page}</a></p>`;
  return {
    subject: `CyberVPN ${words[phase === 'ended' ? 'ended' : severity]}: ${what}`,
    text: url === undefined ? text : `${text}\n\n${words.page}: ${url}`,
    html: html`<p style="white-space: pre-line">${text}</p>${link}`.toString(),
    locale,
  };
}

/** Without the icon and the severity, which the subject has of its own. */
const firstLine = (text: string): string =>
  (text.split('\n')[0] ?? '').replace(/^[^\p{L}\p{N}]*\p{Lu}{4,}[^\S\n]+/u, '').slice(0, 120);
