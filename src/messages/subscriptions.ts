import { days } from '../lib/duration.ts';
import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { bytesText, inTime } from '../lib/quantities.ts';
import { fact } from './labels.ts';
import { minuteInUtc } from './time.ts';

/** The facts of a subscription that every message about it states. */
export type SubscriptionFacts = {
  /** The panel user's name: one person can have several. */
  username: string;
  expiresAt: Date;
  /** Opens the bot where the subscription is renewed; absent where the bot's name is not known. */
  renewUrl?: string | undefined;
};

/** To the customer: the subscription ends soon. `now` is what the distance is counted from. */
export function subscriptionExpiring(subscription: SubscriptionFacts, now: Date, locale: Locale): Html {
  const left = subscription.expiresAt.getTime() - now.getTime();
  const distance = inTime(left, locale);
  const title = {
    en: `Your subscription ends ${distance}`,
    ru: `Подписка заканчивается ${distance}`,
  }[locale];
  return message(urgency(left), title, 'activeUntil', subscription, locale);
}

/** To the customer: the subscription has ended. */
export function subscriptionExpired(subscription: SubscriptionFacts, locale: Locale): Html {
  const title = { en: 'Your subscription has ended', ru: 'Подписка закончилась' }[locale];
  return message('⛔', title, 'endedAt', subscription, locale);
}

/** To the customer: the traffic is used up, so nothing goes through until it starts again or grows. */
export function trafficUsedUp(subscription: SubscriptionFacts & { limitBytes: number }, locale: Locale): Html {
  const { limitBytes } = subscription;
  const title = { en: 'Your traffic is used up', ru: 'Трафик закончился' }[locale];
  const note = {
    en: 'Connections are paused until more traffic is added or a new period begins.',
    ru: 'Подключения приостановлены, пока не добавлен трафик или не начался новый период.',
  }[locale];
  const more = [fact('traffic', html`<b>${bytesText(limitBytes, locale)}</b>`, locale)];
  const link = { en: 'Add traffic', ru: 'Добавить трафик' }[locale];
  const menu = {
    en: 'To add traffic, open the menu of this bot.',
    ru: 'Чтобы добавить трафик, откройте меню этого бота.',
  };
  return message('📶', title, 'activeUntil', subscription, locale, { more, note, link, menu: menu[locale] });
}

/** To the customer: the monthly traffic starts again. */
export function trafficReset(locale: Locale): Html {
  const title = { en: 'Your traffic has been reset', ru: 'Трафик обновлён' }[locale];
  const text = {
    en: 'A new month has begun: your full traffic allowance is available again.',
    ru: 'Начался новый месяц: весь объём трафика снова доступен.',
  }[locale];
  return html`🔄 <b>${title}</b>\n\n${text}`;
}

/** Red within a day, yellow within three, green beyond. */
function urgency(leftMs: number): string {
  if (leftMs <= days(1)) return '🔴';
  return leftMs <= days(3) ? '🟡' : '🟢';
}

const RENEW: Readonly<Record<Locale, { link: string; menu: string }>> = {
  en: { link: 'Renew', menu: 'To renew, open the menu of this bot.' },
  ru: { link: 'Продлить', menu: 'Чтобы продлить, откройте меню этого бота.' },
};

function message(
  icon: string,
  title: string,
  date: 'activeUntil' | 'endedAt',
  { username, expiresAt, renewUrl }: SubscriptionFacts,
  locale: Locale,
  { link, menu, more, note }: { link: string; menu: string; more?: readonly Html[]; note?: string } = RENEW[locale],
): Html {
  const lines = [
    fact('subscription', html`<code>${username}</code>`, locale),
    ...(more ?? []),
    fact(date, html`<b>${minuteInUtc(expiresAt)}</b>`, locale),
  ];
  const paragraphs = [
    html`${icon} <b>${title}</b>`,
    join(lines, '\n'),
    ...(note === undefined ? [] : [html`${note}`]),
    renewUrl ? html`👉 <a href="${renewUrl}">${link}</a>` : html`${menu}`,
  ];
  return join(paragraphs, '\n\n');
}
