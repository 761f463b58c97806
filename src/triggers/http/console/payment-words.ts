import type { Html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { formatMoney, type Money } from '../../../lib/money.ts';
import { howMany } from '../../../lib/quantities.ts';
import type { DeskReason } from '../../../repositories/desk-payments.ts';
import type { PaymentStatus } from '../../../repositories/payment-row.ts';
import type { DeskLine } from '../../payment-desk.ts';
import { stateBadge, type Tone } from './components/states.ts';
import type { Text } from './define-view.ts';

/** What a payment waits for, in a few words; the whole sentence is the desk's. */
export const REASON_TEXTS: Readonly<Record<DeskReason, Text>> = {
  mismatch: { en: 'another amount', ru: 'другая сумма' },
  unresolved: { en: 'for whom?', ru: 'для кого?' },
  in_vain: { en: 'paid in vain', ru: 'оплачен зря' },
  given_or_not: { en: 'given or not?', ru: 'выдано ли?' },
  unknown_purchase: { en: 'what was bought?', ru: 'что куплено?' },
  gift_waits: { en: 'gift waits', ru: 'подарок ждёт' },
  not_active: { en: 'not active', ru: 'не активирован' },
  unfinished: { en: 'left unfinished', ru: 'не доведён' },
  open_too_long: { en: 'open too long', ru: 'открыт слишком долго' },
};

export const STATUS_TEXTS: Readonly<Record<PaymentStatus, Text>> = {
  pending: { en: 'pending', ru: 'ожидает' },
  completed: { en: 'completed', ru: 'завершён' },
  failed: { en: 'failed', ru: 'не состоялся' },
  refunded: { en: 'refunded', ru: 'возвращён' },
};

const STATUS_TONES: Readonly<Record<PaymentStatus, Tone>> = {
  pending: 'warn',
  completed: 'good',
  failed: 'bad',
  refunded: 'calm',
};

const BOUGHT_TEXTS = {
  period: { en: 'period', ru: 'период' },
  upgrade: { en: 'upgrade', ru: 'переход на другой тариф' },
  addon: { en: 'add-on', ru: 'дополнение' },
  gift: { en: 'gift', ru: 'подарок' },
  unknown: { en: 'unknown', ru: 'неизвестно' },
} as const;

/** The purchase in words, with its length where days were bought. */
export function boughtText(
  { bought, days, planName }: Pick<DeskLine, 'bought' | 'days' | 'planName'>,
  locale: Locale,
): string {
  const plan = planName === undefined ? '' : `${planName}, `;
  const length = bought === 'period' || bought === 'upgrade' ? `, ${howMany(days, 'day', locale)}` : '';
  return `${plan}${BOUGHT_TEXTS[bought][locale]}${length}`;
}

export const priceText = ({ amount, currency }: Money, locale: Locale): string => formatMoney(amount, currency, locale);

/** Why it waits for a person, or its state where it waits for nobody. */
export function paymentBadge({ reason, status }: Pick<DeskLine, 'reason' | 'status'>, locale: Locale): Html {
  if (reason) return stateBadge('warn', REASON_TEXTS[reason][locale]);
  return stateBadge(STATUS_TONES[status], STATUS_TEXTS[status][locale]);
}
