import { CUSTOMER_TEXTS, type TextName } from '../lib/customer-texts.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { alertMessage } from './alerts.ts';

type BrokenText = { name: TextName; locale: Locale; source: string; why: string; publicUrl: string | undefined };

const LANGUAGES = { en: { en: 'English', ru: 'английский' }, ru: { en: 'Russian', ru: 'русский' } } as const;

/** To the admins: a text of theirs is broken, so customers get the built-in one. */
export function textFailed({ locale, name, publicUrl, source, why }: BrokenText, reader: Locale): Html {
  const title = CUSTOMER_TEXTS[name].title[reader];
  const language = LANGUAGES[locale][reader];
  const words = {
    en: {
      title: html`A text to customers is broken: ${title} (${language})`,
      sent: html`Customers get the built-in text instead. Not used: ${source}. It ${why.slice(0, 500)}.`,
      mend: 'Mend it or take it back',
    },
    ru: {
      title: html`Текст для клиентов сломан: ${title} (${language})`,
      sent: html`Клиенты получают встроенный текст. Не используется: ${source}. Причина: ${why.slice(0, 500)}.`,
      mend: 'Исправить или вернуть прежний',
    },
  }[reader];
  const link = publicUrl
    ? html`<a href="${publicUrl.replace(/\/$/, '')}/texts/${name}">${words.mend}</a>`
    : html`${words.mend}: /texts/${name}`;
  return alertMessage('warning', words.title, [words.sent, link], reader);
}
