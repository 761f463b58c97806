import { type Html, html } from './html.ts';
import type { Locale } from './locale.ts';

/** The names of facts in messages, each in one place, so that one thing is called one way. */
const LABELS = {
  activeUntil: { en: 'Active until', ru: 'Активна до' },
  amount: { en: 'Amount', ru: 'Сумма' },
  attempts: { en: 'Attempts', ru: 'Попыток' },
  bought: { en: 'Bought', ru: 'Куплено' },
  candidates: { en: 'Candidates in the panel', ru: 'Кандидаты в панели' },
  customer: { en: 'Customer', ru: 'Клиент' },
  days: { en: 'Days', ru: 'Дней' },
  endedAt: { en: 'Ended', ru: 'Закончилась' },
  error: { en: 'Error', ru: 'Ошибка' },
  expected: { en: 'Expected', ru: 'Ожидалось' },
  goneUsers: { en: 'Linked, and not in the panel', ru: 'Привязаны, но в панели их нет' },
  invoice: { en: 'Invoice', ru: 'Счёт' },
  invoiced: { en: 'Invoiced', ru: 'В счёте' },
  panelUser: { en: 'Panel user', ru: 'Пользователь панели' },
  payBefore: { en: 'Pay before', ru: 'Оплатить до' },
  payment: { en: 'Payment', ru: 'Платёж' },
  plan: { en: 'Plan', ru: 'Тариф' },
  provider: { en: 'Provider', ru: 'Провайдер' },
  subscription: { en: 'Subscription', ru: 'Подписка' },
  targetExpiry: { en: 'Must be active until', ru: 'Должна быть активна до' },
  telegram: { en: 'Telegram', ru: 'Telegram' },
  traffic: { en: 'Traffic', ru: 'Трафик' },
} as const satisfies Record<string, Record<Locale, string>>;

/** One line: the fact's name and its value. */
export const fact = (label: keyof typeof LABELS, value: Html | string | number, locale: Locale): Html =>
  html`${LABELS[label][locale]}: ${value}`;
