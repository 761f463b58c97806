import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { formatMoney, type Money } from '../lib/money.ts';
import type { PurchaseKind } from '../lib/purchase.ts';
import { fact } from './labels.ts';
import { minuteInUtc } from './time.ts';

/** The facts of a payment that every message about it states. */
export type PaymentFacts = {
  price: Money;
  /** The length in the row. Only a period and an upgrade bought it for the buyer. */
  days: number;
  bought: PurchaseKind;
  /** As customers know it; absent where the plan is gone. */
  planName?: string | undefined;
};

/** To the customer: paid, active, until when. `at`: when it is sent, where the bought time may be over by then. */
export function paymentReceived(
  payment: PaymentFacts & { expiresAt?: Date | undefined },
  locale: Locale,
  at?: Date,
): Html {
  const title = { en: 'Payment received', ru: 'Оплата получена' }[locale];
  const thanks = { en: 'Thank you!', ru: 'Спасибо!' }[locale];
  const active = { en: ' Your subscription is active.', ru: ' Ваша подписка активна.' }[locale];
  const { expiresAt } = payment;
  const until = expiresAt ? [expiry(expiresAt, locale, at)] : [];
  const isActive = isForBuyer(payment.bought) && !isOver(expiresAt, at);
  return card('✅', title, [...purchase(payment, locale), ...until], isActive ? thanks + active : thanks);
}

/** To the customer: the payment was given up without money. It says only what is known: somebody may have paid at the last moment. */
export function paymentFailed(payment: PaymentFacts, locale: Locale): Html {
  const title = { en: 'Payment not completed', ru: 'Оплата не завершена' }[locale];
  const advice = {
    en: 'No money has arrived for this payment, so it was closed. To try again, start a new payment. If you have paid, please write to support.',
    ru: 'Деньги за эту оплату не поступили, поэтому она закрыта. Чтобы повторить, начните новую оплату. Если вы заплатили, напишите, пожалуйста, в поддержку.',
  }[locale];
  return card('❌', title, purchase(payment, locale), advice);
}

/** To the customer: the money arrived after the payment had been given up. */
export function paymentLate(payment: PaymentFacts, locale: Locale): Html {
  const title = { en: 'Your payment arrived late', ru: 'Оплата пришла позже срока' }[locale];
  const advice = {
    en: 'Your money has arrived, but this payment was closed before. Support knows about it and will take care of it. You need not pay again.',
    ru: 'Деньги поступили, но эта оплата уже была закрыта. Поддержка знает об этом и разберётся. Платить ещё раз не нужно.',
  }[locale];
  return card('🕓', title, purchase(payment, locale), advice);
}

/** To the customer: auto-renew made an invoice; paying it extends the subscription. `at`: when it is sent, where it may have ended by then. */
export function autoRenewInvoice(
  invoice: PaymentFacts & { expiresAt: Date; payUrl: string; payBefore?: Date | undefined },
  locale: Locale,
  at?: Date,
): Html {
  const title = { en: 'Time to renew', ru: 'Пора продлить подписку' }[locale];
  const pay = { en: 'Pay now', ru: 'Оплатить' }[locale];
  const lines = [
    expiry(invoice.expiresAt, locale, at),
    ...purchase(invoice, locale),
    ...(invoice.payBefore ? [fact('payBefore', minuteInUtc(invoice.payBefore), locale)] : []),
  ];
  return card('🔄', title, lines, html`<a href="${invoice.payUrl}">${pay}</a>`);
}

/** What the invoice of auto-renew says at Crypto Pay, where it is plain text. */
export function renewalDescription(
  { days, planName }: Pick<PaymentFacts, 'days' | 'planName'>,
  locale: Locale,
): string {
  const text = { en: `VPN renewal, days: ${days}`, ru: `Продление VPN, дней: ${days}` }[locale];
  return planName === undefined ? text : `${planName.slice(0, 500)}. ${text}`;
}

/** One emoji and a bold title, the facts, and what it means for the reader. */
function card(icon: string, title: string, lines: readonly Html[], closing: Html | string): Html {
  return html`${icon} <b>${title}</b>\n\n${join(lines, '\n')}\n\n${closing}`;
}

/** A subscription that ends in this year has no end: the panel knows no other way to say it. */
const END_OF_TIME_MS = Date.parse('9999-01-01T00:00:00Z');
const NO_END = { en: 'without end', ru: 'без срока' } as const satisfies Record<Locale, string>;

const isOver = (expiresAt: Date | undefined, at: Date | undefined): boolean =>
  expiresAt !== undefined && at !== undefined && expiresAt <= at;

function expiry(expiresAt: Date, locale: Locale, at: Date | undefined): Html {
  const until = expiresAt.getTime() >= END_OF_TIME_MS ? NO_END[locale] : minuteInUtc(expiresAt);
  return fact(isOver(expiresAt, at) ? 'endedAt' : 'activeUntil', bold(until), locale);
}

function purchase({ price, planName, ...payment }: PaymentFacts, locale: Locale): Html[] {
  return [
    ...(planName === undefined ? [] : [fact('plan', planName, locale)]),
    fact('amount', bold(formatMoney(price.amount, price.currency, locale)), locale),
    ...boughtFacts(payment, locale),
  ];
}

const BOUGHT = {
  period: undefined,
  upgrade: { en: 'another plan', ru: 'другой тариф' },
  addon: { en: 'an add-on', ru: 'дополнение' },
  gift: { en: 'a gift for somebody else', ru: 'подарок другому человеку' },
  unknown: undefined,
} as const satisfies Record<PurchaseKind, Record<Locale, string> | undefined>;

const isForBuyer = (bought: PurchaseKind): boolean => bought === 'period' || bought === 'upgrade';

/** Says the purchase, to customers and admins. The days of an add-on and of an unknown purchase are not the customer's, so they are not said. */
export function boughtFacts({ bought, days }: Pick<PaymentFacts, 'bought' | 'days'>, locale: Locale): Html[] {
  const named = BOUGHT[bought];
  const isOfDays = isForBuyer(bought) || bought === 'gift';
  return [...(named ? [fact('bought', named[locale], locale)] : []), ...(isOfDays ? [fact('days', days, locale)] : [])];
}

const bold = (text: string): Html => html`<b>${text}</b>`;
