import { type Html, html } from '../lib/html.ts';
import { fact } from '../lib/labels.ts';
import type { Locale } from '../lib/locale.ts';
import { formatMoney, type Money } from '../lib/money.ts';
import type { PurchaseKind } from '../lib/purchase.ts';
import type { TemplateValues } from '../lib/text-template.ts';
import { BUILT_IN_WORDING, type Wording } from './wording.ts';

/** The facts of a payment that every message about it states. */
export type PaymentFacts = {
  price: Money;
  /** The length in the row. Only a period and an upgrade bought it for the buyer. */
  days: number;
  bought: PurchaseKind;
  /** As customers know it; absent where the plan is gone. */
  planName?: string | undefined;
};

/** `at`: when the message is sent, where what it tells may be over by then. */
type Telling = { at?: Date | undefined; wording?: Wording | undefined };

/** To the customer: paid, active, until when. `at`: when it is sent, where the bought time may be over by then. */
export function paymentReceived(
  payment: PaymentFacts & { expiresAt?: Date | undefined },
  locale: Locale,
  { at, wording = BUILT_IN_WORDING }: Telling = {},
): Html {
  const thanks = { en: 'Thank you!', ru: 'Спасибо!' }[locale];
  const active = { en: ' Your subscription is active.', ru: ' Ваша подписка активна.' }[locale];
  const { expiresAt } = payment;
  const isActive = isForBuyer(payment.bought) && !isOver(expiresAt, at);
  return wording.write('payment_received', locale, {
    ...purchaseValues(payment, locale),
    end_line: expiresAt && expiry(expiresAt, locale, at, wording),
    thanks: isActive ? thanks + active : thanks,
  });
}

/** To the customer: the payment was given up without money. It says only what is known: somebody may have paid at the last moment. */
export const paymentFailed = (
  payment: PaymentFacts,
  locale: Locale,
  { wording = BUILT_IN_WORDING }: Telling = {},
): Html => wording.write('payment_failed', locale, purchaseValues(payment, locale));

/** To the customer: the money arrived after the payment had been given up. */
export const paymentLate = (
  payment: PaymentFacts,
  locale: Locale,
  { wording = BUILT_IN_WORDING }: Telling = {},
): Html => wording.write('payment_late', locale, purchaseValues(payment, locale));

/** To the customer: auto-renew made an invoice; paying it extends the subscription. `at`: when it is sent, where it may have ended by then. */
export function autoRenewInvoice(
  invoice: PaymentFacts & { expiresAt: Date; payUrl: string; payBefore?: Date | undefined },
  locale: Locale,
  { at, wording = BUILT_IN_WORDING }: Telling = {},
): Html {
  const { expiresAt, payBefore, payUrl } = invoice;
  return wording.write('renewal_invoice', locale, {
    ...purchaseValues(invoice, locale),
    end_line: expiry(expiresAt, locale, at, wording),
    pay_before: payBefore && wording.minute(payBefore, locale),
    pay_url: payUrl,
  });
}

/** What the invoice of auto-renew says at Crypto Pay, where it is plain text. */
export function renewalDescription(
  { days, planName }: Pick<PaymentFacts, 'days' | 'planName'>,
  locale: Locale,
): string {
  const text = { en: `VPN renewal, days: ${days}`, ru: `Продление VPN, дней: ${days}` }[locale];
  return planName === undefined ? text : `${planName.slice(0, 500)}. ${text}`;
}

/** A subscription that ends in this year has no end: the panel knows no other way to say it. */
const END_OF_TIME_MS = Date.parse('9999-01-01T00:00:00Z');
const NO_END = { en: 'without end', ru: 'без срока' } as const satisfies Record<Locale, string>;

const isOver = (expiresAt: Date | undefined, at: Date | undefined): boolean =>
  expiresAt !== undefined && at !== undefined && expiresAt <= at;

function expiry(expiresAt: Date, locale: Locale, at: Date | undefined, wording: Wording): Html {
  const until = expiresAt.getTime() >= END_OF_TIME_MS ? NO_END[locale] : wording.minute(expiresAt, locale);
  return fact(isOver(expiresAt, at) ? 'endedAt' : 'activeUntil', html`<b>${until}</b>`, locale);
}

function purchaseValues({ bought, days, planName, price }: PaymentFacts, locale: Locale): TemplateValues {
  return {
    plan: planName,
    amount: formatMoney(price.amount, price.currency, locale),
    bought: BOUGHT[bought]?.[locale],
    days: isOfDays(bought) ? days : undefined,
  };
}

const BOUGHT = {
  period: undefined,
  upgrade: { en: 'another plan', ru: 'другой тариф' },
  addon: { en: 'an add-on', ru: 'дополнение' },
  gift: { en: 'a gift for somebody else', ru: 'подарок другому человеку' },
  unknown: undefined,
} as const satisfies Record<PurchaseKind, Record<Locale, string> | undefined>;

const isForBuyer = (bought: PurchaseKind): boolean => bought === 'period' || bought === 'upgrade';
const isOfDays = (bought: PurchaseKind): boolean => isForBuyer(bought) || bought === 'gift';

/** Says the purchase, to admins. The days of an add-on and of an unknown purchase are not the customer's, so they are not said. */
export function boughtFacts({ bought, days }: Pick<PaymentFacts, 'bought' | 'days'>, locale: Locale): Html[] {
  const named = BOUGHT[bought];
  return [
    ...(named ? [fact('bought', named[locale], locale)] : []),
    ...(isOfDays(bought) ? [fact('days', days, locale)] : []),
  ];
}
