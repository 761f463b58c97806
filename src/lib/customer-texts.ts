import { EMAIL_TEXTS } from './email-texts.ts';
import { html } from './html.ts';
import { fact } from './labels.ts';
import type { Locale } from './locale.ts';
import type { TextVariable, TextWords } from './text-variables.ts';
import { BRAND, VARIABLES } from './text-variables.ts';

/** A text that customers read, and that an owner can replace. */
export type CustomerText = {
  title: TextWords;
  /** `telegram`: one message in Telegram's HTML. `email`: plain text, whose first line is the subject. */
  kind: 'telegram' | 'email';
  variables: Readonly<Record<string, TextVariable>>;
  builtIn: TextWords;
};

const both = (write: (locale: Locale) => string): TextWords => ({ en: write('en'), ru: write('ru') });
const line = (label: Parameters<typeof fact>[0], variable: string, locale: Locale): string =>
  fact(label, html`{${variable}}`, locale).toString();
const boldLine = (label: Parameters<typeof fact>[0], variable: string, locale: Locale): string =>
  fact(label, html`<b>{${variable}}</b>`, locale).toString();
const subscription = (locale: Locale): string => fact('subscription', html`<code>{username}</code>`, locale).toString();
const purchase = (locale: Locale): string =>
  [
    line('plan', 'plan', locale),
    boldLine('amount', 'amount', locale),
    line('bought', 'bought', locale),
    line('days', 'days', locale),
  ].join('\n');

const { amount, bought, count, days, end_line, expires_at, icon, lines, limit, pay_before, pay_url, plan } = VARIABLES;
const { renew_line, renew_url, thanks, time_left, traffic_line, username } = VARIABLES;
const bill = { plan, amount, bought, days };

const TELEGRAM_TEXTS = {
  reminder: {
    title: { en: 'Reminder: the subscription ends soon', ru: 'Напоминание: подписка скоро закончится' },
    variables: { username, time_left, expires_at, icon, renew_line, renew_url },
    builtIn: both((locale) =>
      [
        `{icon} <b>${{ en: 'Your subscription ends', ru: 'Подписка заканчивается' }[locale]} {time_left}</b>`,
        `${subscription(locale)}\n${boldLine('activeUntil', 'expires_at', locale)}`,
        '{renew_line}',
      ].join('\n\n'),
    ),
  },
  reminder_several: {
    title: { en: 'Reminder of several subscriptions', ru: 'Напоминание о нескольких подписках' },
    variables: { count, lines, icon, renew_line, renew_url },
    builtIn: both(
      (locale) =>
        `{icon} <b>${{ en: 'Your subscriptions end soon', ru: 'Подписки скоро закончатся' }[locale]}: {count}</b>\n\n{lines}\n\n{renew_line}`,
    ),
  },
  expired: {
    title: { en: 'The subscription has ended', ru: 'Подписка закончилась' },
    variables: { username, expires_at, renew_line, renew_url },
    builtIn: both((locale) =>
      [
        `⛔ <b>${{ en: 'Your subscription has ended', ru: 'Подписка закончилась' }[locale]}</b>`,
        `${subscription(locale)}\n${boldLine('endedAt', 'expires_at', locale)}`,
        '{renew_line}',
      ].join('\n\n'),
    ),
  },
  expired_several: {
    title: { en: 'Several subscriptions have ended', ru: 'Закончилось несколько подписок' },
    variables: { count, lines, renew_line, renew_url },
    builtIn: both(
      (locale) =>
        `⛔ <b>${{ en: 'Your subscriptions have ended', ru: 'Подписки закончились' }[locale]}: {count}</b>\n\n{lines}\n\n{renew_line}`,
    ),
  },
  traffic_used_up: {
    title: { en: 'The traffic is used up', ru: 'Трафик закончился' },
    variables: { username, limit, expires_at, traffic_line, renew_url },
    builtIn: both((locale) =>
      [
        `📶 <b>${{ en: 'Your traffic is used up', ru: 'Трафик закончился' }[locale]}</b>`,
        [
          subscription(locale),
          boldLine('traffic', 'limit', locale),
          boldLine('activeUntil', 'expires_at', locale),
        ].join('\n'),
        {
          en: 'Connections are paused until more traffic is added or a new period begins.',
          ru: 'Подключения приостановлены, пока не добавлен трафик или не начался новый период.',
        }[locale],
        '{traffic_line}',
      ].join('\n\n'),
    ),
  },
  traffic_reset: {
    title: { en: 'The monthly traffic starts again', ru: 'Месячный трафик обновлён' },
    variables: {},
    builtIn: {
      en: '🔄 <b>Your traffic has been reset</b>\n\nA new month has begun: your full traffic allowance is available again.',
      ru: '🔄 <b>Трафик обновлён</b>\n\nНачался новый месяц: весь объём трафика снова доступен.',
    },
  },
  payment_received: {
    title: { en: 'Payment received', ru: 'Оплата получена' },
    variables: { ...bill, end_line, thanks },
    builtIn: both(
      (locale) =>
        `✅ <b>${{ en: 'Payment received', ru: 'Оплата получена' }[locale]}</b>\n\n${purchase(locale)}\n{end_line}\n\n{thanks}`,
    ),
  },
  payment_failed: {
    title: { en: 'Payment not completed', ru: 'Оплата не завершена' },
    variables: bill,
    builtIn: both((locale) =>
      [
        `❌ <b>${{ en: 'Payment not completed', ru: 'Оплата не завершена' }[locale]}</b>`,
        purchase(locale),
        {
          en: 'No money has arrived for this payment, so it was closed. To try again, start a new payment. If you have paid, please write to support.',
          ru: 'Деньги за эту оплату не поступили, поэтому она закрыта. Чтобы повторить, начните новую оплату. Если вы заплатили, напишите, пожалуйста, в поддержку.',
        }[locale],
      ].join('\n\n'),
    ),
  },
  payment_late: {
    title: { en: 'The payment arrived late', ru: 'Оплата пришла позже срока' },
    variables: bill,
    builtIn: both((locale) =>
      [
        `🕓 <b>${{ en: 'Your payment arrived late', ru: 'Оплата пришла позже срока' }[locale]}</b>`,
        purchase(locale),
        {
          en: 'Your money has arrived, but this payment was closed before. Support knows about it and will take care of it. You need not pay again.',
          ru: 'Деньги поступили, но эта оплата уже была закрыта. Поддержка знает об этом и разберётся. Платить ещё раз не нужно.',
        }[locale],
      ].join('\n\n'),
    ),
  },
  renewal_invoice: {
    title: { en: 'Invoice of auto-renew', ru: 'Счёт автопродления' },
    variables: { ...bill, end_line, pay_before, pay_url },
    builtIn: both((locale) =>
      [
        `🔄 <b>${{ en: 'Time to renew', ru: 'Пора продлить подписку' }[locale]}</b>`,
        `{end_line}\n${purchase(locale)}\n${line('payBefore', 'pay_before', locale)}`,
        `<a href="{pay_url}">${{ en: 'Pay now', ru: 'Оплатить' }[locale]}</a>`,
      ].join('\n\n'),
    ),
  },
} as const satisfies Record<string, Omit<CustomerText, 'kind'>>;

type TelegramTextName = keyof typeof TELEGRAM_TEXTS;
export type EmailTextName = keyof typeof EMAIL_TEXTS;
export type TextName = TelegramTextName | EmailTextName;

const withBrand = (
  kind: CustomerText['kind'],
  texts: Readonly<Record<string, Omit<CustomerText, 'kind'>>>,
): [string, CustomerText][] =>
  Object.entries(texts).map(([name, text]) => [name, { ...text, kind, variables: { ...text.variables, ...BRAND } }]);

/** Every text that a customer reads, by its name. */
export const CUSTOMER_TEXTS = Object.fromEntries([
  ...withBrand('telegram', TELEGRAM_TEXTS),
  ...withBrand('email', EMAIL_TEXTS),
]) as Readonly<Record<TextName, CustomerText>>;

export const TEXT_NAMES = Object.keys(CUSTOMER_TEXTS) as [TextName, ...TextName[]];

export const isTextName = (name: string): name is TextName => Object.hasOwn(CUSTOMER_TEXTS, name);
