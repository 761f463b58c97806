import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import { days, hours, minutes } from '../lib/duration.ts';
import { inTime } from '../lib/quantities.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { subscriptionExpired, subscriptionExpiring, trafficReset, trafficUsedUp } from './subscriptions.ts';

const now = new Date('2026-12-23T05:00:00Z');
const facts = {
  username: 'anna',
  expiresAt: new Date('2026-12-23T10:00:00Z'),
  renewUrl: 'https://t.me/cyber_bot?start=renew',
};

describe('the distance is the true one, in words', () => {
  test.each([
    [hours(5), 'in 5 hours', 'через 5 часов'],
    [hours(1), 'in 1 hour', 'через 1 час'],
    [hours(2), 'in 2 hours', 'через 2 часа'],
    [hours(5) - minutes(2), 'in 5 hours', 'через 5 часов'],
    [hours(21), 'in 21 hours', 'через 21 час'],
    [hours(24), 'in 24 hours', 'через 24 часа'],
    [hours(36), 'in 36 hours', 'через 36 часов'],
    [days(2), 'in 2 days', 'через 2 дня'],
    [days(3), 'in 3 days', 'через 3 дня'],
    [days(7), 'in 7 days', 'через 7 дней'],
    [minutes(59.8), 'in 1 hour', 'через 1 час'],
    [minutes(41), 'in 41 minutes', 'через 41 минуту'],
    [minutes(12), 'in 12 minutes', 'через 12 минут'],
    [1, 'in 1 minute', 'через 1 минуту'],
  ])('%i ms', (left, en, ru) => {
    expect(inTime(left, 'en')).toBe(en);
    expect(inTime(left, 'ru')).toBe(ru);
  });

  test('it is never off by more than half a unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: minutes(1), max: days(7) }), (left) => {
        const [, n, unit] = /^in (\d+) (minute|hour|day)s?$/.exec(inTime(left, 'en'))!;
        const unitMs = { minute: minutes(1), hour: hours(1), day: days(1) }[unit!]!;
        expect(Math.abs(Number(n) * unitMs - left)).toBeLessThanOrEqual(unitMs / 2);
      }),
    );
  });
});

test('a reminder says how long is left, until when, and where to renew', () => {
  expect(String(subscriptionExpiring(facts, now, 'en'))).toBe(
    [
      '🔴 <b>Your subscription ends in 5 hours</b>',
      '',
      'Subscription: <code>anna</code>',
      'Active until: <b>2026-12-23 10:00 UTC</b>',
      '',
      '👉 <a href="https://t.me/cyber_bot?start=renew">Renew</a>',
    ].join('\n'),
  );
});

test('used-up traffic: how much it was, what that means, and where to get more, in both languages', () => {
  const used = { ...facts, limitBytes: 50 * 1024 ** 3 };
  expect(String(trafficUsedUp(used, 'en'))).toBe(
    [
      '📶 <b>Your traffic is used up</b>',
      '',
      'Subscription: <code>anna</code>',
      'Traffic: <b>50 GiB</b>',
      'Active until: <b>2026-12-23 10:00 UTC</b>',
      '',
      'Connections are paused until more traffic is added or a new period begins.',
      '',
      '👉 <a href="https://t.me/cyber_bot?start=renew">Add traffic</a>',
    ].join('\n'),
  );
  const russian = String(trafficUsedUp({ ...used, renewUrl: undefined }, 'ru'));
  expect(russian).toContain('<b>Трафик закончился</b>');
  expect(russian).toContain('Чтобы добавить трафик, откройте меню этого бота.');
  expect(russian).toContain('Трафик: <b>50 ГиБ</b>');
});

test('in Russian the same', () => {
  expect(String(subscriptionExpiring(facts, now, 'ru'))).toBe(
    [
      '🔴 <b>Подписка заканчивается через 5 часов</b>',
      '',
      'Подписка: <code>anna</code>',
      'Активна до: <b>2026-12-23 10:00 UTC</b>',
      '',
      '👉 <a href="https://t.me/cyber_bot?start=renew">Продлить</a>',
    ].join('\n'),
  );
});

test('what has ended says when, and how to renew even where the bot is not known', () => {
  const ended = visibleText(String(subscriptionExpired({ ...facts, renewUrl: undefined }, 'en')));
  expect(ended).toContain('Your subscription has ended');
  expect(ended).toContain('Ended: 2026-12-23 10:00 UTC');
  expect(ended).toContain('To renew, open the menu of this bot.');
});

test.each([
  [days(6), '🟢'],
  [days(2), '🟡'],
  [hours(20), '🔴'],
])('the colour follows the distance', (left, icon) => {
  const expiresAt = new Date(now.getTime() + left);
  expect(String(subscriptionExpiring({ ...facts, expiresAt }, now, 'en')).startsWith(icon)).toBe(true);
});

test('no name can break the HTML of any message', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('en', 'ru'), (username, locale) => {
      for (const text of [
        subscriptionExpiring({ ...facts, username }, now, locale),
        subscriptionExpired({ ...facts, username }, locale),
        trafficReset(locale),
      ]) {
        const parsed = parseHtml(String(text));
        expect(parsed).toMatchObject({ ok: true });
      }
    }),
  );
});
