import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { formatMoney, type Money } from '../lib/money.ts';
import { alertMessage } from './alerts.ts';
import { fact } from './labels.ts';
import { minuteInUtc } from './time.ts';

/** The facts of a payment that every message about it states. */
export type PaymentFacts = {
  price: Money;
  /** Bought days. */
  days: number;
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
  return card('✅', title, [...purchase(payment, locale), ...until], isOver(expiresAt, at) ? thanks : thanks + active);
}

/** To the customer: the invoice ran out or was refused; no money was taken. */
export function paymentFailed(payment: PaymentFacts, locale: Locale): Html {
  const title = { en: 'Payment not completed', ru: 'Оплата не завершена' }[locale];
  const advice = {
    en: 'The invoice has expired and nothing was charged. To try again, start a new payment.',
    ru: 'Срок действия счёта истёк, деньги не списаны. Чтобы повторить, начните новую оплату.',
  }[locale];
  return card('❌', title, purchase(payment, locale), advice);
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
export function renewalDescription({ days, planName }: Omit<PaymentFacts, 'price'>, locale: Locale): string {
  const text = { en: `VPN renewal, days: ${days}`, ru: `Продление VPN, дней: ${days}` }[locale];
  return planName === undefined ? text : `${planName.slice(0, 500)}. ${text}`;
}

/** What an admin needs to find a payment in the database, at Crypto Pay and in the panel. */
export type PaymentIdentity = PaymentFacts & {
  paymentId: string;
  /** At Crypto Pay. Absent where the payment never had one. */
  invoiceId?: string | undefined;
  /** `payments.user_uuid`. */
  customerId: string;
  telegramId?: number | undefined;
};

/** CRITICAL: the paid invoice is not the one that the payment expects. Nothing was activated. */
export function paymentMismatch(payment: PaymentIdentity & { invoiced: Money }, locale: Locale): Html {
  const title = {
    en: 'A paid invoice does not match its payment',
    ru: 'Оплаченный счёт не совпадает с платежом',
  }[locale];
  const todo = {
    en: 'Nothing was activated; the payment stays pending and marked. Check the invoice in CryptoBot, then refund it or extend the user in the panel by hand and set the payment to completed.',
    ru: 'Ничего не активировано; платёж остаётся pending с пометкой. Проверьте счёт в CryptoBot, затем верните деньги или продлите пользователя в панели вручную и переведите платёж в completed.',
  }[locale];
  // To the last digit: the difference may be there.
  const amounts = [fact('expected', exact(payment.price), locale), fact('invoiced', exact(payment.invoiced), locale)];
  return alertMessage('critical', title, [...amounts, ...identity(payment, locale), '', todo], locale);
}

/** CRITICAL: money was taken and the panel does not know it yet, out of retries. `target` is absent where it was not worked out yet. */
export function activationFailed(
  payment: PaymentIdentity & {
    target?: { panelUser: string; expiresAt: Date } | undefined;
    attempts: number;
    error: string;
  },
  locale: Locale,
): Html {
  const title = { en: 'Paid, but the subscription is not active', ru: 'Оплачено, но подписка не активна' }[locale];
  const { target } = payment;
  const lines = [
    ...(target
      ? [
          fact('panelUser', code(target.panelUser), locale),
          fact('targetExpiry', bold(minuteInUtc(target.expiresAt)), locale),
        ]
      : []),
    fact('attempts', payment.attempts, locale),
    fact('error', payment.error.slice(0, 500), locale),
    fact('amount', exact(payment.price), locale),
    ...identity(payment, locale),
  ];
  const todo = target ? setByHand(minuteInUtc(target.expiresAt), locale) : waitOrFix(locale);
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

function setByHand(target: string, locale: Locale): Html {
  return {
    en: html`By hand, in the panel: set the expiry of this user to exactly <b>${target}</b> and enable it. Do not add days: the payment is tried again every 5 minutes and sets the same date.`,
    ru: html`Вручную, в панели: установите этому пользователю срок ровно <b>${target}</b> и включите его. Не прибавляйте дни: попытка повторяется каждые 5 минут и ставит ту же дату.`,
  }[locale];
}

function waitOrFix(locale: Locale): Html {
  return {
    en: html`The payment is tried again every 5 minutes, so mend what the error names. To act by hand instead, extend the user in the panel by the days above and set the payment to completed.`,
    ru: html`Попытка повторяется каждые 5 минут: устраните причину из ошибки. Чтобы сделать вручную, продлите пользователя в панели на указанные дни и переведите платёж в completed.`,
  }[locale];
}

/** CRITICAL: an invoice was paid whose payment had already ended, or was counted for another one. Nothing was activated. */
export function paidInVain(payment: PaymentIdentity & { reason: string }, locale: Locale): Html {
  const title = { en: 'An invoice was paid in vain', ru: 'Счёт оплачен впустую' }[locale];
  const todo = {
    en: 'Nothing was activated. Refund the customer in CryptoBot, or extend the user in the panel by hand by the days above.',
    ru: 'Ничего не активировано. Верните деньги в CryptoBot или продлите пользователя в панели вручную на указанные дни.',
  }[locale];
  const lines = [fact('error', payment.reason.slice(0, 500), locale), fact('amount', exact(payment.price), locale)];
  return alertMessage('critical', title, [...lines, ...identity(payment, locale), '', todo], locale);
}

/** CRITICAL: another worker marked it completed and died; whether the panel has the days is not known, and days cannot be added twice. */
export function completionUnfinished(payment: PaymentIdentity, locale: Locale): Html {
  const title = {
    en: 'Paid and completed, but perhaps not active',
    ru: 'Оплачено и завершено, но, возможно, не активно',
  }[locale];
  const todo = {
    en: 'Another worker set this payment to completed and was stopped before it had finished. Nothing was changed here. Look at the expiry of the user in the panel: where the days above are missing, add them by hand.',
    ru: 'Другой воркер перевёл платёж в completed и был остановлен до завершения. Здесь ничего не изменено. Проверьте срок пользователя в панели: если указанных дней нет, добавьте их вручную.',
  }[locale];
  const lines = [fact('amount', exact(payment.price), locale), ...identity(payment, locale)];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

/** WARNING: valid webhooks that fit no payment, after the last try. */
export function webhooksGivenUp(
  webhooks: readonly { id: string; eventType: string; reason: string }[],
  locale: Locale,
): Html {
  const title = {
    en: `Webhooks of CryptoBot that could not be handled: ${webhooks.length}`,
    ru: `Вебхуки CryptoBot, которые не удалось обработать: ${webhooks.length}`,
  }[locale];
  const shown = webhooks.map(({ id, eventType, reason }) => html`${code(id)} ${eventType}: ${reason}`);
  return alertMessage('warning', title, shown, locale);
}

/** CRITICAL: money was taken, but it is unclear for which panel user; nothing was guessed. */
export function panelUserUnresolved(
  payment: PaymentIdentity & { candidates: readonly string[] },
  locale: Locale,
): Html {
  const title = { en: 'Paid, but the panel user is unclear', ru: 'Оплачено, но пользователь панели не определён' }[
    locale
  ];
  const todo = {
    en: 'Find the customer in the backend, extend the right user in the panel by the days above, and write its uuid into metadata.remnawave_uuid of the payment.',
    ru: 'Найдите клиента в бэкенде, продлите нужного пользователя панели на указанные дни и запишите его uuid в metadata.remnawave_uuid платежа.',
  }[locale];
  const shown = payment.candidates.map(code);
  const none = html`${{ en: 'none', ru: 'нет' }[locale]}`;
  const lines = [
    fact('candidates', shown.length > 0 ? join(shown, ', ') : none, locale),
    fact('amount', exact(payment.price), locale),
    ...identity(payment, locale),
  ];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

/** One emoji and a bold title, the facts, and what it means for the reader. */
function card(icon: string, title: string, lines: readonly Html[], closing: Html | string): Html {
  return html`${icon} <b>${title}</b>\n\n${join(lines, '\n')}\n\n${closing}`;
}

const isOver = (expiresAt: Date | undefined, at: Date | undefined): boolean =>
  expiresAt !== undefined && at !== undefined && expiresAt <= at;

function expiry(expiresAt: Date, locale: Locale, at: Date | undefined): Html {
  return fact(isOver(expiresAt, at) ? 'endedAt' : 'activeUntil', bold(minuteInUtc(expiresAt)), locale);
}

function purchase({ price, days, planName }: PaymentFacts, locale: Locale): Html[] {
  return [
    ...(planName === undefined ? [] : [fact('plan', planName, locale)]),
    fact('amount', bold(formatMoney(price.amount, price.currency, locale)), locale),
    fact('days', days, locale),
  ];
}

function identity(
  { paymentId, invoiceId, customerId, telegramId, days, planName }: PaymentIdentity,
  locale: Locale,
): Html[] {
  return [
    fact('payment', code(paymentId), locale),
    ...(invoiceId === undefined ? [] : [fact('invoice', code(invoiceId), locale)]),
    fact('customer', code(customerId), locale),
    ...(telegramId === undefined ? [] : [fact('telegram', code(String(telegramId)), locale)]),
    ...(planName === undefined ? [] : [fact('plan', planName, locale)]),
    fact('days', days, locale),
  ];
}

const bold = (text: string): Html => html`<b>${text}</b>`;
const code = (text: string): Html => html`<code>${text}</code>`;
const exact = ({ amount, currency }: Money): Html => code(`${amount} ${currency}`);
