import type { Locale } from '../../lib/locale.ts';
import type { MoneyOf } from '../payments/customer-picture.ts';
import type { UnderWay } from '../payments/money-under-way.ts';
import type { Telling } from './telling.ts';

/** Says for each payment that is on the way for a panel user where it stands. */
export function moneySentences({ underWay }: MoneyOf, telling: Telling): string[] {
  const money = { en: 'Money', ru: 'Деньги' }[telling.locale];
  const none = { en: 'no payment is on the way', ru: 'платежей в пути нет' }[telling.locale];
  return underWay.length === 0
    ? [`${money}: ${none}.`]
    : underWay.map((one) => `${money}: ${underWayInWords(one, telling)}.`);
}

/** Why money keeps a user from being reminded, told or turned off; undefined where it does not. */
export function whyNotByMoney({ state }: MoneyOf, locale: Locale): string | undefined {
  switch (state) {
    case 'paid':
      return { en: 'the customer has paid', ru: 'клиент уже оплатил' }[locale];
    case 'promised':
      return {
        en: 'the customer has paid, and was promised more time',
        ru: 'клиент оплатил, и ему обещано продление',
      }[locale];
    case 'unknown':
      return {
        en: 'an invoice may be paid, and neither Crypto Pay nor the payment says so',
        ru: 'счёт, возможно, оплачен, но ни Crypto Pay, ни платёж этого не говорят',
      }[locale];
    case 'open':
    case 'none':
      return undefined;
  }
}

function underWayInWords(one: UnderWay, telling: Telling): string {
  const { locale, time } = telling;
  const payment = { en: `payment ${one.paymentId}`, ru: `платёж ${one.paymentId}` }[locale];
  const invoice = { en: `invoice ${one.invoiceId} of ${payment}`, ru: `счёт ${one.invoiceId}, ${payment}` }[locale];
  switch (one.state) {
    case 'promised':
      return {
        en: `${payment} promised the time until ${time(one.until)}, which the panel does not show yet`,
        ru: `${payment} обещает срок до ${time(one.until)}, которого в панели ещё нет`,
      }[locale];
    case 'open':
      return { en: `${invoice} is open and not paid`, ru: `${invoice}: открыт и не оплачен` }[locale];
    case 'unknown':
      return one.invoiceId === undefined
        ? {
            en: `${payment} cannot be read, so nothing is known of it`,
            ru: `${payment} не читается, о нём ничего не известно`,
          }[locale]
        : {
            en: `${invoice} may be paid; Crypto Pay does not say`,
            ru: `${invoice}: возможно, оплачен; Crypto Pay этого не сообщает`,
          }[locale];
    case 'paid':
      return `${payment} ${paid(one, locale)}`;
  }
}

function paid(one: Extract<UnderWay, { state: 'paid' }>, locale: Locale): string {
  switch (one.because) {
    case 'activation':
      return { en: 'is paid, and its days are on their way to the panel', ru: 'оплачен, дни на пути в панель' }[locale];
    case 'backend':
      return {
        en: 'was completed by the backend, and its days are still to be given',
        ru: 'завершён бэкендом, дни ещё предстоит выдать',
      }[locale];
    case 'crypto_pay':
      return {
        en: `is paid at Crypto Pay (invoice ${one.invoiceId}), and will be completed by the next look`,
        ru: `оплачен в Crypto Pay (счёт ${one.invoiceId}) и завершится при следующей проверке`,
      }[locale];
    case 'person':
      return { en: `is paid and waits for a person (${one.need})`, ru: `оплачен и ждёт человека (${one.need})` }[
        locale
      ];
  }
}
