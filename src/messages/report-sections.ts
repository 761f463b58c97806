import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { formatMoney } from '../lib/money.ts';
import type { NotificationFigures, PaymentTotals, TaskFigures } from './figures.ts';
import { count, listed, named, type Section, shareText, unknown } from './report-lines.ts';

const GROUPS_LISTED = 8;
const ERRORS_LISTED = 5;

type Amounts = PaymentTotals['by_currency'];

/** `120.50 USD + 5 USDT`: side by side and never added up. */
const sums = (amounts: Amounts, locale: Locale): string =>
  Object.entries(amounts)
    .slice(0, GROUPS_LISTED)
    .map(([currency, { total }]) => formatMoney(total, currency, locale))
    .join(' + ');

/** What came in, by currency, plan and way of paying. `trends` are appended to the currencies they are of. */
export function paymentSection(
  payments: PaymentTotals | null,
  locale: Locale,
  trends: ReadonlyMap<string, string> = new Map(),
): Section {
  const title = { en: 'Revenue', ru: 'Выручка' }[locale];
  if (!payments) return { icon: '💰', title, lines: [unknown(locale)] };
  const { by_currency, by_plan, by_provider, failed_count, pending_count, total_count } = payments;
  const paid = { en: 'payments', ru: 'платежей' }[locale];
  const currencies = listed(
    Object.entries(by_currency),
    GROUPS_LISTED,
    ([currency, { count: n, total }]) =>
      html`<b>${formatMoney(total, currency, locale)}</b> (${count(n, locale)} ${paid})${trends.get(currency) ?? ''}`,
    locale,
  );
  const none = { en: 'no completed payments', ru: 'завершённых платежей нет' }[locale];
  const groups = (heading: string, all: PaymentTotals['by_plan'], other: string): Html[] =>
    Object.keys(all).length === 0
      ? []
      : [
          html`${heading}:`,
          ...listed(
            Object.entries(all).sort(([, a], [, b]) => b.count - a.count),
            GROUPS_LISTED,
            ([name, group]) =>
              html`• ${name === 'none' ? other : named(name)}: ${sums(group.by_currency, locale)} (${count(group.count, locale)})`,
            locale,
          ),
        ];
  const failed = {
    en: html`Failed: ${failed_count} of ${failed_count + total_count}, open: ${pending_count}`,
    ru: html`Не прошли: ${failed_count} из ${failed_count + total_count}, ожидают: ${pending_count}`,
  }[locale];
  return {
    icon: '💰',
    title,
    lines: [
      ...(total_count === 0 ? [none] : currencies),
      ...groups(
        { en: 'By plan', ru: 'По тарифам' }[locale],
        by_plan,
        { en: 'without a plan', ru: 'без тарифа' }[locale],
      ),
      ...groups({ en: 'By payment method', ru: 'По способам оплаты' }[locale], by_provider, '—'),
      ...(failed_count + pending_count > 0 ? [failed] : []),
      ...withoutBackend(payments.without_backend, locale),
    ],
  };
}

function withoutBackend(n: number, locale: Locale): Html[] {
  if (n === 0) return [];
  return [
    {
      en: html`⚠️ ${n} completed without the backend: its commissions, invites, wallet and orders did not run (BACKEND_API_URL is not set)`,
      ru: html`⚠️ ${n} завершено без бэкенда: его комиссии, приглашения, кошелёк и заказы не обработаны (BACKEND_API_URL не задан)`,
    }[locale],
  ];
}

const REASONS: Readonly<Record<string, Record<Locale, string>>> = {
  blocked: { en: 'bot blocked', ru: 'бот заблокирован' },
  deactivated: { en: 'account deleted', ru: 'аккаунт удалён' },
  kicked: { en: 'removed from the group', ru: 'исключён из группы' },
  chat_not_found: { en: 'chat not found', ru: 'чат не найден' },
  is_bot: { en: 'chat of a bot', ru: 'чат бота' },
  too_long: { en: 'too long', ru: 'слишком длинное' },
  empty: { en: 'empty', ru: 'пустое' },
  bad_markup: { en: 'broken markup', ru: 'ошибка разметки' },
  unreachable: { en: 'skipped, unreachable before', ru: 'пропущено, недоступен ранее' },
  obsolete: { en: 'no longer needed', ru: 'больше не нужно' },
  dropped: { en: 'dropped by an admin', ru: 'отброшено администратором' },
  other: { en: 'other', ru: 'прочее' },
};

/** Messages that went out, and those that will not. */
export function notificationSection(notifications: NotificationFigures | null, locale: Locale): Section {
  const title = { en: 'Notifications', ru: 'Уведомления' }[locale];
  if (!notifications) return { icon: '✉️', title, lines: [unknown(locale)] };
  const { by_reason, failed, sent } = notifications;
  const line = {
    en: html`Sent: ${count(sent, locale)}, undeliverable: <b>${count(failed, locale)}</b>`,
    ru: html`Отправлено: ${count(sent, locale)}, не доставлено: <b>${count(failed, locale)}</b>`,
  }[locale];
  const reasons = Object.entries(by_reason).sort(([, a], [, b]) => b - a);
  return {
    icon: '✉️',
    title,
    lines: [
      line,
      ...listed(reasons, GROUPS_LISTED, ([reason, n]) => html`• ${REASONS[reason]?.[locale] ?? reason}: ${n}`, locale),
    ],
  };
}

/** How tasks ended, with the most frequent errors. */
export function taskSection(tasks: TaskFigures | null, locale: Locale): Section {
  const title = { en: 'Tasks', ru: 'Задачи' }[locale];
  if (!tasks) return { icon: '⚙️', title, lines: [unknown(locale)] };
  const { errors, failed, succeeded } = tasks;
  const share = shareText(failed / Math.max(1, failed + succeeded), locale);
  const line = {
    en: html`Done: ${count(succeeded, locale)}, failed: <b>${count(failed, locale)}</b> (${share})`,
    ru: html`Выполнено: ${count(succeeded, locale)}, с ошибкой: <b>${count(failed, locale)}</b> (${share})`,
  }[locale];
  const top = errors
    .slice(0, ERRORS_LISTED)
    .map(({ code, count: n, task }) => html`• <code>${task}</code> ${code} × ${n}`);
  return { icon: '⚙️', title, lines: [line, ...top] };
}
