import { describe, expect, test } from 'vitest';
import { ZonedClock } from '../lib/zoned-clock.ts';
import { broadcastText, hasVariables, wrongVariables } from './broadcast-text.ts';

const now = new Date('2026-03-28T20:30:00Z');
const at = { clock: new ZonedClock('Europe/Berlin'), locale: 'ru', now } as const;
const reader = { username: 'anna', expireAt: new Date('2026-03-29T21:30:00Z'), planName: 'Pro' };

describe('a text with values of its reader', () => {
  test('has the number with its word, and the date at the clocks of the zone, on a day of 23 hours too', () => {
    expect(broadcastText('{username}: {days_left}, до {expires_at}, {plan}', reader, at)).toBe(
      'anna: 2 дня, до 2026-03-29 23:30 GMT+2, Pro',
    );
  });

  test.each([
    ['<b>', '&lt;b&gt;'],
    ['👩‍👩‍👧', '👩‍👩‍👧'],
    ['שלום', 'שלום'],
    ['x'.repeat(200), 'x'.repeat(200)],
    ['$& {plan}', '$&amp; {plan}'],
  ])('the name %s is text', (username, written) => {
    expect(broadcastText('Hi {username}!', { username }, at)).toBe(`Hi ${written}!`);
  });

  test('is none where it names what is not known', () => {
    expect(broadcastText('Hi {username}', {}, at)).toBeUndefined();
    expect(broadcastText('Hi', {}, at)).toBe('Hi');
  });

  test('that has ended says that no day is left', () => {
    expect(broadcastText('{days_left}', { expireAt: new Date('2026-03-01T00:00:00Z') }, at)).toBe('0 дней');
  });
});

test('a name that nobody knows is told with the nearest that is; other braces are text', () => {
  expect(wrongVariables('Hi {user_name}', 'en')).toContain('did you mean {username}?');
  expect(wrongVariables('{daysleft}', 'ru')).toContain('{days_left}?');
  expect(wrongVariables('{ plan } {} {1} {{username}}', 'en')).toBeUndefined();
  expect(hasVariables('{ plan } {} {1}')).toBe(false);
});
