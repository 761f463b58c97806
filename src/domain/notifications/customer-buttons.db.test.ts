import { expect, test } from 'vitest';
import { hours } from '../../lib/duration.ts';
import { queuedText, type Subject } from '../../messages/queued-text.ts';
import { queueNotifications } from '../../testing/notification-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const now = new Date();
const expiresAt = new Date(now.getTime() + hours(5));
const bill = {
  paymentId: '1c4f3cbc-6c27-4d13-9f3a-0d3a3a0c7a11',
  price: { amount: '9.99', currency: 'USD' },
  days: 30,
  bought: 'period',
  locale: 'ru',
} as const;
const SUBJECTS: readonly Subject[] = [
  { kind: 'reminder', username: 'anna', expiresAt, locale: 'en' },
  { kind: 'expired', username: 'anna', expiresAt, locale: 'ru' },
  { kind: 'traffic', username: 'anna', expiresAt, limitBytes: 1, locale: 'en' },
  { kind: 'renewal', ...bill, expiresAt, payUrl: 'https://t.me/CryptoBot?start=IV1' },
  { kind: 'renewal', ...bill, expiresAt, payUrl: 'http://127.0.0.1/no address for Telegram' },
  { kind: 'unpaid', ...bill },
  { kind: 'receipt', ...bill },
  { kind: 'late', ...bill },
  { kind: 'reset', locale: 'en' },
];

/** What stands under each message: the texts and addresses of its buttons. */
async function under(env: Readonly<Record<string, string>>): Promise<unknown[]> {
  await using world: TestApp = await testApp(env);
  const rows = SUBJECTS.map((subject, i) => ({
    telegramId: 100 + i,
    type: 'info',
    message: queuedText(subject, now),
    dueSecondsAgo: 1,
  }));
  const others = [{ telegramId: 99, type: 'info', message: 'from the backend', dueSecondsAgo: 1 }];
  await queueNotifications(world.database.pool, [...rows, ...others]);
  await world.run('process_notification_queue');
  const buttonsOf = (chatId: number): unknown => world.telegram.messages({ chatId })[0]!.reply_markup;
  expect(buttonsOf(99)).toBeNull();
  return SUBJECTS.map((_, i) => buttonsOf(100 + i));
}

const markup = (...buttons: readonly (readonly [text: string, url: string])[]) => ({
  inline_keyboard: buttons.map(([text, url]) => [{ text, url }]),
});

test('with nothing set no message has a button', async () => {
  expect(await under({})).toEqual(SUBJECTS.map(() => null));
});

test('messages to customers have real buttons to where they renew, pay and find support', async () => {
  const [renew, support] = ['https://vpn.example/renew', 'https://t.me/vpn_support'] as const;
  const ru = ['Поддержка', support] as const;
  expect(await under({ RENEW_URL: renew, SUPPORT_URL: support })).toEqual([
    markup(['Renew', renew], ['Support', support]),
    markup(['Продлить', renew], ru),
    markup(['Add traffic', renew], ['Support', support]),
    markup(['Оплатить', 'https://t.me/CryptoBot?start=IV1'], ru),
    markup(ru),
    markup(['Продлить', renew], ru),
    markup(ru),
    markup(ru),
    markup(['Support', support]),
  ]);
});
