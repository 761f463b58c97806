import type { TextName } from '../lib/customer-texts.ts';
import { days, hours } from '../lib/duration.ts';
import type { Locale } from '../lib/locale.ts';
import { magicLinkEmail, otpEmail, passwordResetEmail } from './email.ts';
import { autoRenewInvoice, paymentFailed, paymentLate, paymentReceived } from './payments.ts';
import {
  subscriptionExpired,
  subscriptionExpiring,
  subscriptionsExpired,
  subscriptionsExpiring,
  trafficReset,
  trafficUsedUp,
} from './subscriptions.ts';
import type { Wording } from './wording.ts';

/** A customer as a text may meet one. */
export type SampleReader = {
  username: string;
  /** This customer has no value for a variable that some customers lack. */
  isBare: boolean;
};

/** Names that a text has to stand: an ordinary one, signs of HTML, emoji, right to left, and one of 200 characters. */
export const SAMPLE_NAMES = ['anna', '<b>&"tom"', '👩‍👩‍👧‍👦 🇷🇺', 'שלום עולם', 'x'.repeat(200)] as const;

/** Subscriptions of one person that end together. */
const SEVERAL = 2;

/** A text with values as the customers of an installation have them, in Telegram's HTML; an e-mail as its subject and plain text. */
export function sampleText(
  name: TextName,
  { isBare, username }: SampleReader,
  { locale, now, wording }: { locale: Locale; now: Date; wording: Wording },
): string {
  const expiresAt = new Date(now.getTime() + hours(5));
  const renewUrl = isBare ? undefined : 'https://t.me/your_bot?start=renew';
  const about = { username, expiresAt, renewUrl };
  const ended = { ...about, expiresAt: new Date(now.getTime() - hours(1)) };
  const several = Array.from({ length: SEVERAL }, (_, i) => ({ ...about, username: `${username}_${i + 1}` }));
  const bill = {
    price: { amount: '12.50', currency: 'USD' },
    days: 30,
    bought: isBare ? ('unknown' as const) : ('upgrade' as const),
    planName: isBare ? undefined : username,
  };
  const until = isBare ? undefined : new Date(now.getTime() + days(30));
  const at = { at: now, wording };
  switch (name) {
    case 'reminder':
      return subscriptionExpiring(about, now, locale, wording).toString();
    case 'reminder_several':
      return subscriptionsExpiring(several, now, locale, wording).toString();
    case 'expired':
      return subscriptionExpired(ended, locale, wording).toString();
    case 'expired_several':
      return subscriptionsExpired(several, locale, wording).toString();
    case 'traffic_used_up':
      return trafficUsedUp({ ...about, limitBytes: 50 * 1024 ** 3 }, locale, wording).toString();
    case 'traffic_reset':
      return trafficReset(locale, wording).toString();
    case 'payment_received':
      return paymentReceived({ ...bill, expiresAt: until }, locale, at).toString();
    case 'payment_failed':
      return paymentFailed(bill, locale, at).toString();
    case 'payment_late':
      return paymentLate(bill, locale, at).toString();
    case 'renewal_invoice':
      return autoRenewInvoice(
        { ...bill, expiresAt, payUrl: 'https://t.me/CryptoBot?start=IVabc', payBefore: until },
        locale,
        at,
      ).toString();
    case 'email_code':
      return asRead(otpEmail('123456', locale, wording));
    case 'email_password':
      return asRead(passwordResetEmail('123456', locale, wording));
    case 'email_link':
      return asRead(magicLinkEmail('https://vpn.example/in?token=abc', isBare ? '' : '123456', locale, wording));
  }
}

const asRead = ({ subject, text }: { subject: string; text: string }): string => `${subject}\n\n${text}`;
