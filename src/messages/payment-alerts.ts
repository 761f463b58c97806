import { type Html, html, join } from '../lib/html.ts';
import { fact } from '../lib/labels.ts';
import type { Locale } from '../lib/locale.ts';
import type { Money } from '../lib/money.ts';
import { alertMessage } from './alerts.ts';
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
  const nothing = { en: 'Nothing was activated.', ru: 'Ничего не активировано.' }[locale];
  const todo = html`${nothing} ${onDesk(['extend', 'given', 'close'], locale)}`;
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
  const waits = target ? sameDate(minuteInUtc(target.expiresAt), locale) : triedAgain(locale);
  const todo = html`${waits} ${onDesk(target ? ['check', 'given'] : ['check', 'given', 'close'], locale)}`;
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

function sameDate(target: string, locale: Locale): Html {
  return {
    en: html`The payment is tried again every 5 minutes and sets exactly <b>${target}</b>: mend what the error names, and add no days by hand.`,
    ru: html`Попытка повторяется каждые 5 минут и ставит ровно <b>${target}</b>: устраните причину из ошибки и не прибавляйте дни вручную.`,
  }[locale];
}

function triedAgain(locale: Locale): Html {
  return {
    en: html`The payment is tried again every 5 minutes, so mend what the error names.`,
    ru: html`Попытка повторяется каждые 5 минут: устраните причину из ошибки.`,
  }[locale];
}

/** CRITICAL: an invoice was paid whose payment had already ended, or was counted for another one. Nothing was activated. */
export function paidInVain(payment: PaymentIdentity & { reason: string }, locale: Locale): Html {
  const title = { en: 'An invoice was paid in vain', ru: 'Счёт оплачен впустую' }[locale];
  const nothing = { en: 'Nothing was activated.', ru: 'Ничего не активировано.' }[locale];
  const todo = html`${nothing} ${onDesk(['extend', 'given', 'close'], locale)}`;
  const lines = [fact('error', payment.reason.slice(0, 500), locale), fact('amount', exact(payment.price), locale)];
  return alertMessage('critical', title, [...lines, ...identity(payment, locale), '', todo], locale);
}

/** CRITICAL: another worker marked it completed and died; whether the panel has the days is not known, and days cannot be added twice. */
export function completionUnfinished(payment: PaymentIdentity, locale: Locale): Html {
  const title = {
    en: 'Paid and completed, but perhaps not active',
    ru: 'Оплачено и завершено, но, возможно, не активно',
  }[locale];
  const what = {
    en: 'Another worker set this payment to completed and was stopped before it had finished. Nothing was changed here: compare the end of the user in the panel with the days above.',
    ru: 'Другой воркер перевёл платёж в completed и был остановлен до завершения. Здесь ничего не изменено: сравните срок пользователя в панели с указанными днями.',
  }[locale];
  const todo = html`${what} ${onDesk(['extend', 'given', 'close'], locale)}`;
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
  payment: PaymentIdentity & { candidates: readonly string[]; gone: readonly string[] },
  locale: Locale,
): Html {
  const title = { en: 'Paid, but the panel user is unclear', ru: 'Оплачено, но пользователь панели не определён' }[
    locale
  ];
  const todo = onDesk(['assign', 'given', 'close'], locale);
  const shown = payment.candidates.map(code);
  const none = html`${{ en: 'none', ru: 'нет' }[locale]}`;
  const lines = [
    fact('candidates', shown.length > 0 ? join(shown, ', ') : none, locale),
    ...(payment.gone.length > 0 ? [fact('goneUsers', join(payment.gone.map(code), ', '), locale)] : []),
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
  const what = {
    en: 'The end in the panel fits a longer rest as well as the bought days, so nothing was changed.',
    ru: 'Срок в панели подходит и к прежнему остатку, и к купленным дням, поэтому ничего не изменено.',
  }[locale];
  const todo = html`${what} ${onDesk(['extend', 'given', 'close'], locale)}`;
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
  const what = {
    en: html`The payment is settled and no days were given, because the backend calls it ${code(payment.mode)}.`,
    ru: html`Платёж проведён, дни не выданы: бэкенд называет его ${code(payment.mode)}.`,
  }[locale];
  const todo = html`${what} ${onDesk(['extend', 'given', 'close'], locale)}`;
  const lines = [fact('amount', exact(payment.price), locale), ...identity(payment, locale)];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

/** CRITICAL: a gift is paid, and the backend, which alone can issue its code, has not completed it. */
export function giftWaiting(payment: PaymentIdentity, locale: Locale): Html {
  const title = { en: 'A gift is paid and its code is not issued', ru: 'Подарок оплачен, код не выпущен' }[locale];
  const what = {
    en: 'Only the backend issues the code, and its webhook has not completed this payment. Set BACKEND_API_URL, and the worker tells the backend again.',
    ru: 'Код выпускает только бэкенд, а его вебхук не завершил этот платёж. Задайте BACKEND_API_URL, и воркер сообщит бэкенду снова.',
  }[locale];
  const todo = html`${what} ${onDesk(['check', 'handed', 'close'], locale)}`;
  const lines = [fact('amount', exact(payment.price), locale), ...identity(payment, locale)];
  return alertMessage('critical', title, [...lines, '', todo], locale);
}

/** What each act is good for, as advice. To say `given` first is safe in every order of what happens then. */
const ADVICE = {
  assign: {
    en: html`<code>assign</code> gives the right panel user the days`,
    ru: html`<code>assign</code> выдаст дни нужному пользователю панели`,
  },
  check: { en: html`<code>check</code> tries now`, ru: html`<code>check</code> повторит попытку сейчас` },
  extend: {
    en: html`<code>extend</code> gives the days once`,
    ru: html`<code>extend</code> один раз выдаст дни`,
  },
  given: {
    en: html`<code>given</code>, said before you give them by hand, or where the panel has them, keeps the worker from giving any`,
    ru: html`<code>given</code> (до выдачи вручную или если дни уже есть в панели): воркер их не выдаст`,
  },
  handed: {
    en: html`<code>given</code>, where a person has handed over a code`,
    ru: html`<code>given</code>, если код выдал человек`,
  },
  close: {
    en: html`<code>close</code> ends it after a refund in CryptoBot`,
    ru: html`<code>close</code> завершит после возврата денег в CryptoBot`,
  },
} as const satisfies Record<string, Record<Locale, Html>>;

/** Where a person decides, and the acts that help. The id stands among the facts. */
function onDesk(acts: readonly (keyof typeof ADVICE)[], locale: Locale): Html {
  const where = {
    en: html`On the payments desk of the console: `,
    ru: html`На столе платежей в консоли: `,
  }[locale];
  const advice = join(
    acts.map((act) => ADVICE[act][locale]),
    '; ',
  );
  return html`${where}${advice}.`;
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
