import { type ApprovalFacts, approvalText } from '../lib/approval-text.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { alertMessage } from './alerts.ts';
import { minuteInUtc } from './time.ts';

/** To those who may say yes: somebody has asked for an act that needs them. `page` is the address of what waits, where there is one. */
export function approvalWaits(
  asked: ApprovalFacts & { askedBy: string; digest: string; expiresAt: Date },
  page: string | undefined,
  locale: Locale,
): Html {
  const { askedBy, digest, expiresAt } = asked;
  const what = approvalText(asked, locale);
  const link = page === undefined ? [] : [page];
  if (locale === 'ru')
    return alertMessage(
      'warning',
      'Нужно «да» второго человека',
      [
        html`<b>${what}</b>`,
        `Просит ${askedBy}; до вашего «да» ничего не делается.`,
        html`Истекает ${minuteInUtc(expiresAt)}, отпечаток <code>${digest.slice(0, 12)}</code>`,
        ...link,
      ],
      locale,
    );
  return alertMessage(
    'warning',
    'The yes of a second person is needed',
    [
      html`<b>${what}</b>`,
      `${askedBy} asks for it; nothing is done before you say yes.`,
      html`Void after ${minuteInUtc(expiresAt)}, digest <code>${digest.slice(0, 12)}</code>`,
      ...link,
    ],
    locale,
  );
}
