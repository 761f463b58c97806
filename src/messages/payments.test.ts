import { describe, expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import type { Locale } from '../lib/locale.ts';
import { money } from '../lib/money.ts';
import { autoRenewInvoice, paymentFailed, paymentLate, paymentReceived, renewalDescription } from './payments.ts';

const LOCALES: readonly Locale[] = ['en', 'ru'];
const facts = { price: money('9.99000000', 'USD'), days: 30, bought: 'period', planName: 'Pro' } as const;
const expiresAt = new Date('2026-12-23T10:00:00Z');
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

  test('a payment that failed says what is known, and does not speak for the provider', () => {
    const [en, ru] = LOCALES.map((locale) => String(paymentFailed(facts, locale)));
    expect(en).toContain('No money has arrived for this payment, so it was closed.');
    expect(ru).toContain('Деньги за эту оплату не поступили, поэтому она закрыта.');
    for (const text of [en, ru]) expect(text).not.toMatch(/charged|expired|не списаны|истёк/);
  });

  test('a payment that arrived late says that support knows', () => {
    expect(String(paymentLate(facts, 'en'))).toContain('Support knows about it');
    expect(String(paymentLate(facts, 'ru'))).toContain('Поддержка знает об этом');
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

  test.each([
    ['period', ['Days: 30', 'Your subscription is active.'], ['Bought']],
    ['upgrade', ['Bought: another plan', 'Days: 30', 'Your subscription is active.'], []],
    ['gift', ['Bought: a gift for somebody else', 'Days: 30'], ['subscription is active']],
    ['addon', ['Bought: an add-on'], ['Days', 'subscription is active']],
    ['unknown', ['Amount'], ['Bought', 'Days', 'subscription is active']],
  ] as const)('a receipt says what was bought: %s', (bought, said, unsaid) => {
    const text = String(paymentReceived({ ...facts, bought }, 'en'));
    for (const words of said) expect(text).toContain(words);
    for (const words of unsaid) expect(text).not.toContain(words);
  });

  test('what is not known is left out', () => {
    const { planName: _, ...bare } = facts;
    expect(String(paymentReceived({ ...bare, expiresAt }, 'en'))).not.toContain('Plan');
    expect(String(autoRenewInvoice({ ...bare, expiresAt, payUrl: 'https://t.me/x' }, 'en'))).not.toContain(
      'Pay before',
    );
  });
});

test('names that look like markup stay text, and Telegram accepts every message', () => {
  const hostile = { ...facts, planName: '<b>Pro</b> & "more"' };
  for (const locale of LOCALES) {
    const messages = [
      paymentReceived({ ...hostile, expiresAt }, locale),
      paymentFailed(hostile, locale),
      paymentLate(hostile, locale),
      autoRenewInvoice({ ...hostile, expiresAt, payUrl: 'https://t.me/"><b>' }, locale),
    ];
    for (const message of messages) {
      const visible = expect.stringContaining('<b>Pro</b> & "more"');
      expect(parseHtml(String(message))).toEqual({ ok: true, visible });
    }
  }
});
