import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { alertMessage } from './alerts.ts';

type Counted = { withoutTelegram: number; due: number };

/** To the admins: many customers lost what tied them to their chats. */
export function contactsLost(before: Counted, now: Counted, locale: Locale): Html {
  const [was, is] = [before, now].map(({ due, withoutTelegram }) =>
    locale === 'ru' ? html`<b>${withoutTelegram}</b> из ${due}` : html`<b>${withoutTelegram}</b> of ${due}`,
  ) as [Html, Html];
  const title = {
    en: html`Many customers can no longer be reminded: no Telegram id is known of ${is}, before of ${was}`,
    ru: html`Многим клиентам больше нельзя напомнить: Telegram id неизвестен у ${is}, было у ${was}`,
  };
  const lines = {
    en: [
      'Counted are customers whose subscription ends within 7 days or whose traffic is used up.',
      'Was the panel upgraded, restored or imported? Open the page of one of them in the console: it says where the id was looked for.',
    ],
    ru: [
      'Считаются клиенты, у которых подписка заканчивается в течение 7 дней или закончился трафик.',
      'Панель обновляли, восстанавливали или импортировали? Откройте в консоли страницу одного из них: там сказано, где искали id.',
    ],
  };
  return alertMessage('warning', title[locale], lines[locale], locale);
}
