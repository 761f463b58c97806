import { describe, expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import type { Html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { money } from '../lib/money.ts';
import { visibleText } from '../lib/telegram-html.ts';
import {
  activationFailed,
  completionUnfinished,
  giftWaiting,
  givenOrNot,
  paidInVain,
  panelUserUnresolved,
  paymentMismatch,
  purchaseUnknown,
} from './payment-alerts.ts';

const LOCALES: readonly Locale[] = ['en', 'ru'];
const expiresAt = new Date('2026-12-23T10:00:00Z');
const identity = {
  price: money('9.99000000', 'USD'),
  days: 30,
  bought: 'period',
  planName: 'Pro',
  paymentId: '7b1c2b4e-0d0e-4b6e-9d57-3f6f1f0a0001',
  invoiceId: '528890',
  customerId: '7b1c2b4e-0d0e-4b6e-9d57-3f6f1f0a0002',
  telegramId: 4242,
} as const;

describe('to the admins', () => {
  const failed = {
    ...identity,
    target: { panelUser: 'cvpn_s_1', expiresAt },
    attempts: 4,
    error: 'remnawave PATCH: 503',
  };
  const alerts: [string, (locale: Locale) => Html, string[]][] = [
    [
      'a mismatch shows both amounts to the last digit',
      (locale) => paymentMismatch({ ...identity, invoiced: money('9.99000001', 'USDT') }, locale),
      ['9.99000000 USD', '9.99000001 USDT'],
    ],
    [
      'a failed activation says which user needs which expiry',
      (locale) => activationFailed(failed, locale),
      ['cvpn_s_1', '2026-12-23 10:00 UTC', 'remnawave PATCH: 503', '4', '9.99000000 USD'],
    ],
    [
      'an unclear panel user names the candidates',
      (locale) => panelUserUnresolved({ ...identity, candidates: ['anna', 'ben'], gone: ['uuid-3'] }, locale),
      ['anna', 'ben', 'uuid-3', '9.99000000 USD', 'assign', 'given', 'close'],
    ],
    [
      'a failed activation before its date was known',
      (locale) => activationFailed({ ...identity, attempts: 4, error: 'cryptobot getInvoices: 502' }, locale),
      ['cryptobot getInvoices: 502', '9.99000000 USD', 'check', 'given', 'close'],
    ],
    [
      'an invoice paid in vain',
      (locale) => paidInVain({ ...identity, reason: 'the payment is failed' }, locale),
      ['the payment is failed', '9.99000000 USD', 'CryptoBot'],
    ],
    [
      'a completion that another worker began',
      (locale) => completionUnfinished(identity, locale),
      ['9.99000000 USD', 'completed'],
    ],
  ];

  test.each(alerts)('%s, and every advice is an act on the payments desk', (_, write) => {
    for (const locale of LOCALES) {
      const text = visibleText(String(write(locale)));
      expect(text).toContain(
        { en: 'On the payments desk of the console: ', ru: 'На столе платежей в консоли: ' }[locale],
      );
      expect(text).not.toMatch(/metadata\.|SQL|set the payment to|переведите платёж|uuid into/);
    }
  });

  test.each(alerts)('%s, with everything needed to act by hand', (_, write, expected) => {
    const { paymentId, invoiceId, customerId, telegramId, days, planName } = identity;
    for (const locale of LOCALES) {
      const text = visibleText(String(write(locale)));
      for (const fact of [...expected, paymentId, invoiceId, customerId, String(telegramId), String(days), planName]) {
        expect(text).toContain(fact);
      }
    }
    expect(String(write('en'))).toMatch(/^🚨 <b>CRITICAL<\/b> /);
  });

  test('no candidate is said to be none', () => {
    expect(String(panelUserUnresolved({ ...identity, candidates: [], gone: [] }, 'en'))).toContain(
      'Candidates in the panel: none',
    );
  });

  test('a long error is cut; candidates are all named, as one of them must be chosen', () => {
    const error = '&'.repeat(5_000);
    expect(visibleText(String(activationFailed({ ...failed, error }, 'ru'))).length).toBeLessThan(2_000);
    const candidates = Array.from({ length: 500 }, (_, i) => `uuid-${i}`);
    const text = visibleText(String(panelUserUnresolved({ ...identity, candidates, gone: [] }, 'ru')));
    expect(text).toContain(candidates.join(', '));
  });
});

test('names and errors that look like markup stay text, and Telegram accepts every message', () => {
  const hostile = { ...identity, planName: '<b>Pro</b> & "more"' };
  for (const locale of LOCALES) {
    const messages = [
      paymentMismatch({ ...hostile, invoiced: hostile.price }, locale),
      activationFailed({ ...hostile, target: { panelUser: '<i>', expiresAt }, attempts: 1, error: '</code>' }, locale),
      panelUserUnresolved({ ...hostile, candidates: ['<u>'], gone: [] }, locale),
      givenOrNot({ ...hostile, user: { username: '<i>', expireAt: expiresAt } }, locale),
      purchaseUnknown({ ...hostile, mode: '<i>' }, locale),
      giftWaiting(hostile, locale),
    ];
    for (const message of messages) {
      const visible = expect.stringContaining('<b>Pro</b> & "more"');
      expect(parseHtml(String(message))).toEqual({ ok: true, visible });
    }
  }
});
