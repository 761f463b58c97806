import { deliveriesIn, deliverySuccess, failureShare } from '../lib/figure-definitions.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { formatMoney } from '../lib/money.ts';
import { howMany, numberText, percentText, shareText } from '../lib/quantities.ts';
import type { NotificationFigures, PaymentTotals, TaskFigures } from './figures.ts';
import { listed, named, type Section, unknown } from './report-lines.ts';

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
  const currencies = listed(
    Object.entries(by_currency),
    GROUPS_LISTED,
    ([currency, { count: n, total }]) =>
      html`<b>${formatMoney(total, currency, locale)}</b> (${howMany(n, 'payment', locale)})${trends.get(currency) ?? ''}`,
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
              html`• ${name === 'none' ? other : named(name)}: ${sums(group.by_currency, locale)} (${numberText(group.count, locale)})`,
            locale,
          ),
        ];
  const ended = numberText(failed_count + total_count, locale);
  const failed = {
    en: html`Failed: ${numberText(failed_count, locale)} of ${ended}, open: ${numberText(pending_count, locale)}`,
    ru: html`Не прошли: ${numberText(failed_count, locale)} из ${ended}, ожидают: ${numberText(pending_count, locale)}`,
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
      ...groups({ en: 'Other than plans', ru: 'Кроме тарифов' }[locale], otherPurchases(payments, locale), '—'),
      ...groups({ en: 'By payment method', ru: 'По способам оплаты' }[locale], by_provider, '—'),
      ...(failed_count + pending_count > 0 ? [failed] : []),
      ...withoutBackend(payments.without_backend, locale),
    ],
  };
}

/** Completed payments that bought no time for the buyer, by what they bought. */
function otherPurchases({ by_purchase: all = {} }: PaymentTotals, locale: Locale): PaymentTotals['by_plan'] {
  const names: Readonly<Record<string, string>> = {
    gift: { en: 'gifts', ru: 'подарки' }[locale],
    addon: { en: 'add-ons', ru: 'дополнения' }[locale],
    unknown: { en: 'unknown', ru: 'неизвестно' }[locale],
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([kind, group]) => (names[kind] === undefined ? [] : [[names[kind], group]])),
  );
}

function withoutBackend(n: number, locale: Locale): Html[] {
  if (n === 0) return [];
  return [
    {
      en: html`⚠️ ${numberText(n, locale)} completed without the backend: its commissions, invites, wallet and orders did not run (BACKEND_API_URL is not set)`,
      ru: html`⚠️ ${numberText(n, locale)} завершено без бэкенда: его комиссии, приглашения, кошелёк и заказы не обработаны (BACKEND_API_URL не задан)`,
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
  forbidden: { en: 'may not be written to', ru: 'запись запрещена' },
  withdrawn: { en: 'broadcast cancelled', ru: 'рассылка отменена' },
  dropped: { en: 'dropped by an admin', ru: 'отброшено администратором' },
  other: { en: 'other', ru: 'прочее' },
};

/** Messages that went out, and those that will not. */
export function notificationSection(notifications: NotificationFigures | null, locale: Locale): Section {
  const title = { en: 'Notifications', ru: 'Уведомления' }[locale];
  if (!notifications) return { icon: '✉️', title, lines: [unknown(locale)] };
  const { by_reason } = notifications;
  // Records of a former version have one count of all that did not arrive.
  const { failed, sent, unreachable, withdrawn } = deliveriesIn(notifications.sent, by_reason);
  const success = deliverySuccess({ failed, sent });
  const share = success === null ? '' : ` (${percentText(success * 100, locale)})`;
  const line = {
    en: html`Sent: ${numberText(sent, locale)}${share}, given up: <b>${numberText(failed, locale)}</b>`,
    ru: html`Отправлено: ${numberText(sent, locale)}${share}, не доставлено: <b>${numberText(failed, locale)}</b>`,
  }[locale];
  const others = {
    en: html`Cannot be reached: ${numberText(unreachable, locale)}, taken back: ${numberText(withdrawn, locale)}`,
    ru: html`Недоступны: ${numberText(unreachable, locale)}, отозвано: ${numberText(withdrawn, locale)}`,
  }[locale];
  const reasons = Object.entries(by_reason).sort(([, a], [, b]) => b - a);
  return {
    icon: '✉️',
    title,
    lines: [
      line,
      ...(unreachable + withdrawn > 0 ? [others] : []),
      ...listed(
        reasons,
        GROUPS_LISTED,
        ([reason, n]) => html`• ${REASONS[reason]?.[locale] ?? reason}: ${numberText(n, locale)}`,
        locale,
      ),
    ],
  };
}

/** How tasks ended, with the most frequent errors. */
export function taskSection(tasks: TaskFigures | null, locale: Locale): Section {
  const title = { en: 'Tasks', ru: 'Задачи' }[locale];
  if (!tasks) return { icon: '⚙️', title, lines: [unknown(locale)] };
  const { errors, failed, succeeded } = tasks;
  const share = shareText(failureShare({ failed, succeeded }) ?? 0, locale);
  const line = {
    en: html`Done: ${numberText(succeeded, locale)}, failed: <b>${numberText(failed, locale)}</b> (${share})`,
    ru: html`Выполнено: ${numberText(succeeded, locale)}, с ошибкой: <b>${numberText(failed, locale)}</b> (${share})`,
  }[locale];
  const top = errors
    .slice(0, ERRORS_LISTED)
    .map(({ code, count: n, task }) => html`• <code>${task}</code> ${code} × ${numberText(n, locale)}`);
  return { icon: '⚙️', title, lines: [line, ...top] };
}
