import { describe, expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import type { Html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { money } from '../lib/money.ts';
import { visibleText } from '../lib/telegram-html.ts';
import {
  activationFailed,
  autoRenewInvoice,
  completionUnfinished,
  paidInVain,
  panelUserUnresolved,
  paymentFailed,
  paymentMismatch,
  paymentReceived,
  renewalDescription,
} from './payments.ts';

const LOCALES: readonly Locale[] = ['en', 'ru'];
const facts = { price: money('9.99000000', 'USD'), days: 30, planName: 'Pro' };
const expiresAt = new Date('2026-12-23T10:00:00Z');
const identity = {
  ...facts,
  paymentId: '7b1c2b4e-0d0e-4b6e-9d57-3f6f1f0a0001',
  invoiceId: '528890',
  customerId: '7b1c2b4e-0d0e-4b6e-9d57-3f6f1f0a0002',
  telegramId: 4242,
};

describe('to the customer', () => {
  test('a payment that arrived says what was bought and the new expiry', () => {
    expect(String(paymentReceived({ ...facts, expiresAt }, 'en'))).toBe(
      [
        '✅ <b>Payment received</b>',
        '',
        'Plan: Pro',
        'Amount: <b>9.99 USD</b>',
        'Days: 30',
        'Active until: <b>2026-12-23 10:00 UTC</b>',
        '',
        'Thank you! Your subscription is active.',
      ].join('\n'),
    );
    expect(String(paymentReceived({ ...facts, expiresAt }, 'ru'))).toContain('Сумма: <b>9,99 USD</b>');
  });

  test('a payment that failed says that nothing was charged', () => {
    expect(String(paymentFailed(facts, 'en'))).toContain('nothing was charged');
    expect(String(paymentFailed(facts, 'ru'))).toContain('деньги не списаны');
  });

  test('the auto-renew invoice carries its link, its price and both dates', () => {
    const payBefore = new Date('2026-12-23T09:00:00Z');
    const invoice = { ...facts, expiresAt, payBefore, payUrl: 'https://t.me/CryptoBot/app?startapp=invoice-1&mode=x' };
    const text = String(autoRenewInvoice(invoice, 'en'));
    expect(text).toContain('<a href="https://t.me/CryptoBot/app?startapp=invoice-1&amp;mode=x">Pay now</a>');
    expect(text).toContain('Active until: <b>2026-12-23 10:00 UTC</b>');
    expect(text).toContain('Pay before: 2026-12-23 09:00 UTC');
    expect(String(autoRenewInvoice(invoice, 'ru'))).toContain('>Оплатить</a>');
  });

  test('the invoice at Crypto Pay says what is renewed, in plain text', () => {
    expect(renewalDescription({ days: 30, planName: 'Plus <1>' }, 'en')).toBe('Plus <1>. VPN renewal, days: 30');
    expect(renewalDescription({ days: 7 }, 'ru')).toBe('Продление VPN, дней: 7');
  });

  test('what is not known is left out', () => {
    const { planName: _, ...bare } = facts;
    expect(String(paymentReceived({ ...bare, expiresAt }, 'en'))).not.toContain('Plan');
    expect(String(autoRenewInvoice({ ...bare, expiresAt, payUrl: 'https://t.me/x' }, 'en'))).not.toContain(
      'Pay before',
    );
  });
});

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
      (locale) => panelUserUnresolved({ ...identity, candidates: ['uuid-1', 'uuid-2'] }, locale),
      ['uuid-1', 'uuid-2', '9.99000000 USD', 'metadata.remnawave_uuid'],
    ],
    [
      'a failed activation before its date was known',
      (locale) => activationFailed({ ...identity, attempts: 4, error: 'cryptobot getInvoices: 502' }, locale),
      ['cryptobot getInvoices: 502', '9.99000000 USD', 'completed'],
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
    expect(String(panelUserUnresolved({ ...identity, candidates: [] }, 'en'))).toContain(
      'Candidates in the panel: none',
    );
  });

  test('a long error is cut; candidates are all named, as one of them must be chosen', () => {
    const error = '&'.repeat(5_000);
    expect(visibleText(String(activationFailed({ ...failed, error }, 'ru'))).length).toBeLessThan(2_000);
    const candidates = Array.from({ length: 500 }, (_, i) => `uuid-${i}`);
    const text = visibleText(String(panelUserUnresolved({ ...identity, candidates }, 'ru')));
    expect(text).toContain(candidates.join(', '));
  });
});

test('names and errors that look like markup stay text, and Telegram accepts every message', () => {
  const hostile = { ...identity, planName: '<b>Pro</b> & "more"' };
  for (const locale of LOCALES) {
    const messages = [
      paymentReceived({ ...hostile, expiresAt }, locale),
      paymentFailed(hostile, locale),
      autoRenewInvoice({ ...hostile, expiresAt, payUrl: 'https://t.me/"><b>' }, locale),
      paymentMismatch({ ...hostile, invoiced: hostile.price }, locale),
      activationFailed({ ...hostile, target: { panelUser: '<i>', expiresAt }, attempts: 1, error: '</code>' }, locale),
      panelUserUnresolved({ ...hostile, candidates: ['<u>'] }, locale),
    ];
    for (const message of messages) {
      const visible = expect.stringContaining('<b>Pro</b> & "more"');
      expect(parseHtml(String(message))).toEqual({ ok: true, visible });
    }
  }
});
