import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import type { Money } from '../lib/money.ts';
import { alertMessage } from './alerts.ts';
import { fact } from './labels.ts';
import { boughtFacts, type PaymentFacts } from './payments.ts';
import { minuteInUtc } from './time.ts';

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

/** CRITICAL: the backend completed it, and the end in the panel does not say whether the days were given. */
export function givenOrNot(
  payment: PaymentIdentity & { user: { username: string; expireAt: Date } },
  locale: Locale,
): Html {
  const title = {
    en: 'Paid and completed by the backend: were the days given?',
    ru: 'Оплачено и завершено бэкендом: были ли выданы дни?',
  }[locale];
  const todo = {
    en: 'The end in the panel fits a longer rest as well as the bought days, so nothing was changed. A person decides: extend, or was given.',
    ru: 'Срок в панели подходит и к прежнему остатку, и к купленным дням, поэтому ничего не изменено. Решает человек: продлить или уже выдано.',
  }[locale];
  const lines = [
    fact('panelUser', code(payment.user.username), locale),
    fact('activeUntil', bold(minuteInUtc(payment.user.expireAt)), locale),
    fact('amount', exact(payment.price), locale),
    ...identity(payment, locale),
  ];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

/** CRITICAL: the money is settled, and nobody knows what was bought. */
export function purchaseUnknown(payment: PaymentIdentity & { mode: string }, locale: Locale): Html {
  const title = { en: 'Paid, but it is unknown what was bought', ru: 'Оплачено, но неизвестно, что куплено' }[locale];
  const todo = {
    en: html`The payment is settled and no days were given, because the backend calls it ${code(payment.mode)}. A person decides: extend, or close.`,
    ru: html`Платёж проведён, дни не выданы: бэкенд называет его ${code(payment.mode)}. Решает человек: продлить или закрыть.`,
  }[locale];
  const lines = [fact('amount', exact(payment.price), locale), ...identity(payment, locale)];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

/** CRITICAL: a gift is paid, and the backend, which alone can issue its code, has not completed it. */
export function giftWaiting(payment: PaymentIdentity, locale: Locale): Html {
  const title = { en: 'A gift is paid and its code is not issued', ru: 'Подарок оплачен, код не выпущен' }[locale];
  const todo = {
    en: 'Only the backend issues the code, and its webhook has not completed this payment. Set BACKEND_API_URL, and the worker tells the backend again.',
    ru: 'Код выпускает только бэкенд, а его вебхук не завершил этот платёж. Задайте BACKEND_API_URL, и воркер сообщит бэкенду снова.',
  }[locale];
  const lines = [fact('amount', exact(payment.price), locale), ...identity(payment, locale)];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

function identity(
  { paymentId, invoiceId, customerId, telegramId, planName, ...payment }: PaymentIdentity,
  locale: Locale,
): Html[] {
  return [
    fact('payment', code(paymentId), locale),
    ...(invoiceId === undefined ? [] : [fact('invoice', code(invoiceId), locale)]),
    fact('customer', code(customerId), locale),
    ...(telegramId === undefined ? [] : [fact('telegram', code(String(telegramId)), locale)]),
    ...(planName === undefined ? [] : [fact('plan', planName, locale)]),
    ...boughtFacts(payment, locale),
  ];
}

const bold = (text: string): Html => html`<b>${text}</b>`;
const code = (text: string): Html => html`<code>${text}</code>`;
const exact = ({ amount, currency }: Money): Html => code(`${amount} ${currency}`);
