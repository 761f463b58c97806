import { minuteInUtc } from '../../messages/time.ts';
import type { MoneyOf } from '../payments/customer-picture.ts';
import type { UnderWay } from '../payments/money-under-way.ts';

/** Says for each payment that is on the way for a panel user where it stands. */
export function moneySentences({ underWay }: MoneyOf): string[] {
  return underWay.length === 0 ? ['Money: no payment is on the way.'] : underWay.map(sentence);
}

/** Why money keeps a user from being reminded, told or turned off; undefined where it does not. */
export function whyNotByMoney({ state }: MoneyOf): string | undefined {
  switch (state) {
    case 'paid':
      return 'the customer has paid';
    case 'promised':
      return 'the customer has paid, and was promised more time';
    case 'unknown':
      return 'an invoice may be paid, and neither Crypto Pay nor the payment says so';
    case 'open':
    case 'none':
      return undefined;
  }
}

function sentence(one: UnderWay): string {
  const payment = `payment ${one.paymentId}`;
  const invoice = `invoice ${one.invoiceId}`;
  switch (one.state) {
    case 'promised':
      return `Money: ${payment} promised the time until ${minuteInUtc(one.until)}, which the panel does not show yet.`;
    case 'open':
      return `Money: ${invoice} of ${payment} is open and not paid.`;
    case 'unknown':
      return one.invoiceId === undefined
        ? `Money: ${payment} cannot be read, so nothing is known of it.`
        : `Money: ${invoice} of ${payment} may be paid; Crypto Pay does not say.`;
    case 'paid':
      return `Money: ${payment} ${paid(one)}.`;
  }
}

function paid(one: Extract<UnderWay, { state: 'paid' }>): string {
  switch (one.because) {
    case 'activation':
      return 'is paid, and its days are on their way to the panel';
    case 'backend':
      return 'was completed by the backend, and its days are still to be given';
    case 'crypto_pay':
      return `is paid at Crypto Pay (invoice ${one.invoiceId}), and will be completed by the next look`;
    case 'person':
      return `is paid and waits for a person (${one.need})`;
  }
}
