import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import { days, hours } from '../lib/duration.ts';
import { money } from '../lib/money.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { leastMsOf, readingMs } from '../testing/reading-ms.ts';
import { autoRenewInvoice, paymentFailed, paymentLate, paymentReceived } from './payments.ts';
import { currentText, queuedSubject, queuedText, type Subject } from './queued-text.ts';
import { subscriptionExpiring } from './subscriptions.ts';

const now = new Date('2026-12-22T14:00:00Z');
const later = (ms: number): Date => new Date(now.getTime() + ms);
const expiresAt = later(hours(20));
const bought = {
  paymentId: '7b1c2b4e-0d0e-4b6e-9d57-3f6f1f0a0001',
  price: money('9.99000000', 'USD'),
  days: 30,
  bought: 'period' as const,
  planName: 'Pro',
};

/** Everything a message can be about, and the template that writes it. */
const KINDS: readonly (readonly [subject: Subject, template: (at: Date) => unknown])[] = (
  ['en', 'ru'] as const
).flatMap((locale) => {
  const reminder = { username: 'anna', expiresAt, renewUrl: 'https://t.me/cyber_bot?start=renew' };
  const invoice = {
    ...bought,
    expiresAt,
    payUrl: 'https://t.me/CryptoBot/app?startapp=a&mode=x',
    payBefore: later(days(1)),
  };
  return [
    [{ kind: 'reminder', ...reminder, locale }, (at) => subscriptionExpiring(reminder, at, locale)],
    [
      { kind: 'reminder', username: 'x', expiresAt, locale },
      (at) => subscriptionExpiring({ username: 'x', expiresAt }, at, locale),
    ],
    [{ kind: 'renewal', ...invoice, locale }, (at) => autoRenewInvoice(invoice, locale, { at })],
    [
      { kind: 'receipt', ...bought, expiresAt, locale },
      (at) => paymentReceived({ ...bought, expiresAt }, locale, { at }),
    ],
    [
      { kind: 'receipt', ...bought, planName: undefined, locale },
      (at) => paymentReceived({ ...bought, planName: undefined }, locale, { at }),
    ],
    [{ kind: 'unpaid', ...bought, locale }, () => paymentFailed(bought, locale)],
    [{ kind: 'late', ...bought, locale }, () => paymentLate(bought, locale)],
  ] as const satisfies readonly (readonly [Subject, (at: Date) => unknown])[];
});

describe.each(KINDS)('%j', (subject, template) => {
  test('sent at once it reads as its template, byte for byte', () => {
    expect(currentText(queuedText(subject, now), now).text).toBe(String(template(now)));
  });

  test.each([1, hours(1), hours(15), hours(19.9), hours(20), days(3)])(
    'sent %i ms later it is what is true then',
    (ms) => {
      expect(currentText(queuedText(subject, now), later(ms)).text).toBe(String(template(later(ms))));
    },
  );

  test('the row says what it is about, reads as the message, and a worker that does not know of that may send it', () => {
    const row = queuedText(subject, now);
    const { planName, ...known } = { planName: undefined, ...subject };
    expect(queuedSubject(row)).toEqual(planName === undefined ? known : { ...known, planName });
    expect(row.startsWith(String(template(now)))).toBe(true);
    expect(parseHtml(row)).toEqual({ ok: true, visible: visibleText(String(template(now))) });
  });
});

test('"active until" becomes "ended" once it has, in both languages, and nobody is told that what has ended is active', () => {
  const at = later(hours(20));
  expect(String(autoRenewInvoice({ ...bought, expiresAt, payUrl: 'https://x.y' }, 'en', { at }))).toContain(
    'Ended: <b>2026-12-23',
  );
  expect(String(autoRenewInvoice({ ...bought, expiresAt, payUrl: 'https://x.y' }, 'ru', { at }))).toContain(
    'Закончилась: <b>',
  );
  const receipt = String(paymentReceived({ ...bought, expiresAt }, 'en', { at }));
  expect(receipt).toContain('Ended: <b>');
  expect(receipt).not.toContain('is active');
  expect(String(paymentReceived({ ...bought, expiresAt }, 'ru', { at }))).not.toContain('активна');
});

test('names and links of any kind come through, however they are written', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.string(),
      fc.constantFrom('en', 'ru'),
      (username, renewUrl, locale) => {
        const row = queuedText({ kind: 'reminder', username, expiresAt, renewUrl, locale }, now);
        expect(queuedSubject(row)).toMatchObject({ username, renewUrl });
        expect(parseHtml(row).ok).toBe(true);
      },
    ),
  );
});

describe('rows that others wrote', () => {
  test.each([
    'Hello',
    '',
    '<b>Your subscription ends in 20 hours</b>',
    '<a href="https://example.org"></a>',
    'x<a href="task-worker:about?kind=reminder"></a> y',
    'x<a href="task-worker:else?kind=reminder"></a>',
    'x<a href="task-worker:about?<b>"></a>',
    '"></a>',
  ])('%j are sent as they are', (message) => {
    expect(currentText(message, now).text).toBe(message);
    expect(queuedSubject(message)).toBeUndefined();
  });

  test.each([
    'kind=reminder',
    'kind=mystery&amp;x=1',
    'kind=reminder&amp;username=a&amp;expiresAt=soon&amp;locale=en',
    '',
    '&amp;&amp;',
    '%zz=%',
  ])('what is about something unknown, %j, keeps its text', (query) => {
    expect(currentText(`text<a href="task-worker:about?${query}"></a>`, now).text).toBe('text');
  });

  test('any other text is sent as it is, and a huge one is read at once', async () => {
    fc.assert(
      fc.property(fc.string(), (message) => {
        expect(currentText(message, now).text).toBe(message);
      }),
    );
    const huge = `${'<a href="task-worker:about?'.repeat(40_000)}"></a>`;
    // It has 1 MB: an eighth of a reading is the least that it can cost.
    expect(await leastMsOf(3, async () => currentText(huge, now))).toBeLessThan(3 * (await readingMs()));
  });
});
