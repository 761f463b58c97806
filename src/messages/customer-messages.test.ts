import { expect, test } from 'vitest';
import { days, hours, minutes } from '../lib/duration.ts';
import { LOCALES, type Locale } from '../lib/locale.ts';
import { PURCHASE_KINDS } from '../lib/purchase.ts';
import { magicLinkEmail, otpEmail, passwordResetEmail } from './email.ts';
import { currentText, queuedText, type Subject } from './queued-text.ts';
import { subscriptionExpired, trafficReset } from './subscriptions.ts';

const now = new Date('2026-12-23T05:00:00Z');
const USERNAMES = ['anna', '<b>&"o\'', '👩‍👩‍👧‍👦 🇷🇺', 'שלום\u200f', 'x'.repeat(200)] as const;
const renewUrl = 'https://t.me/cyber_bot?start=renew&a=1';
const END = new Date('2026-12-23T10:00:00Z');

/** Of every message to customers, each form that it has. */
function* everyForm(locale: Locale): Generator<[string, () => string]> {
  const sent = (subject: Subject): string => currentText(queuedText(subject, now), now).text;
  for (const left of [minutes(1), hours(5), hours(24), hours(25), days(3), days(4), days(7)]) {
    const subject = { kind: 'reminder', username: 'anna', expiresAt: new Date(now.getTime() + left), locale } as const;
    yield [`reminder ${left / hours(1)} h`, () => sent(subject)];
    yield [`reminder ${left / hours(1)} h, row`, () => queuedText({ ...subject, renewUrl }, now)];
  }
  for (const username of USERNAMES) {
    for (const url of [renewUrl, undefined]) {
      const about = { username, expiresAt: END, renewUrl: url };
      const form = `${username.slice(0, 12)} ${url ? 'with' : 'without'} link`;
      yield [`reminder ${form}`, () => sent({ kind: 'reminder', ...about, locale })];
      yield [`traffic ${form}`, () => sent({ kind: 'traffic', ...about, limitBytes: 50 * 2 ** 30, locale })];
      yield [`expired ${form}`, () => subscriptionExpired(about, locale).toString()];
    }
  }
  const paymentId = '1c4f3cbc-6c27-4d13-9f3a-0d3a3a0c7a11';
  for (const bought of PURCHASE_KINDS) {
    for (const planName of ['Pro <1 & "2">', undefined]) {
      const payment = { paymentId, price: { amount: '1234.50', currency: 'USD' }, days: 30, bought, planName, locale };
      const form = `${bought} ${planName ? 'with' : 'without'} plan`;
      yield [`unpaid ${form}`, () => sent({ kind: 'unpaid', ...payment })];
      yield [`late ${form}`, () => sent({ kind: 'late', ...payment })];
      for (const expiresAt of [undefined, END, new Date(now.getTime() - 1), new Date('9999-12-31T23:59:59Z')]) {
        yield [`receipt ${form} ${expiresAt?.toISOString()}`, () => sent({ kind: 'receipt', ...payment, expiresAt })];
        if (!expiresAt) continue;
        for (const payBefore of [undefined, END]) {
          const invoice = { payUrl: 'https://t.me/CryptoBot?start=IV<&"', expiresAt, payBefore };
          yield [
            `renewal ${form} ${expiresAt.toISOString()} ${payBefore?.toISOString()}`,
            () => sent({ kind: 'renewal', ...payment, ...invoice }),
          ];
        }
      }
    }
  }
  yield ['traffic reset', () => trafficReset(locale).toString()];
  const emails = {
    'email code': otpEmail('<1&2>', locale),
    'email password': passwordResetEmail('123456', locale),
    'email link': magicLinkEmail('https://vpn.example/in?token=a&b="', '', locale),
    'email link and code': magicLinkEmail('https://vpn.example/in?token=a', '123456', locale),
  };
  for (const [name, email] of Object.entries(emails)) yield [name, () => JSON.stringify(email)];
}

/** Made from the version before texts could be replaced. It is never made anew: what nobody has replaced stays as it was, to the byte. */
test('messages to customers in an installation that nobody has changed are what they were, byte for byte', async () => {
  const messages = LOCALES.flatMap((locale) =>
    [...everyForm(locale)].map(([form, write]) => [`${locale}: ${form}`, write()]),
  );
  const written = `${JSON.stringify(Object.fromEntries(messages), undefined, 1)}\n`;
  await expect(written).toMatchFileSnapshot('golden/customer-messages.txt');
});
