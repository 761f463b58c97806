import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesText,
  byteUnit,
  compactText,
  durationText,
  howMany,
  latencyText,
  numberText,
  ofHowMany,
  percentText,
  shareText,
} from './quantities.ts';

/** `Intl` separates thousands and units with several kinds of space. */
const plain = (text: string): string => text.replace(/\s/gu, ' ');

describe('a span', () => {
  test.each([
    [0, '0 s', '0 с'],
    [1, 'less than 1 s', 'меньше 1 с'],
    [499, 'less than 1 s', 'меньше 1 с'],
    [500, '1 s', '1 с'],
    [2_000, '2 s', '2 с'],
    [59_400, '59 s', '59 с'],
    [59_500, '1 min', '1 мин'],
    [92_000, '1 min 32 s', '1 мин 32 с'],
    [119_000, '1 min 59 s', '1 мин 59 с'],
    [3_600_000, '1 h', '1 ч'],
    [7_500_000, '2 h 5 min', '2 ч 5 мин'],
    [86_390_000, '1 d', '1 д'],
    [86_400_000 * 2 + 3_600_000 * 3, '2 d 3 h', '2 д 3 ч'],
    [86_400_000 * 1_234, '1,234 d', '1 234 д'],
    [-5_000, '0 s', '0 с'],
  ])('of %d ms', (ms, en, ru) => {
    expect(plain(durationText(ms, 'en'))).toBe(en);
    expect(plain(durationText(ms, 'ru'))).toBe(ru);
  });

  test('property: never reads as a unit full of the next one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 * 400 }), (ms) => {
        expect(durationText(ms, 'en')).not.toMatch(/\b(60 s|60 min|24 h)\b/);
      }),
    );
  });

  test('property: is never further from the truth than half of its smaller unit', () => {
    const sizes: Record<string, number> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 86_400_000 * 400 }), (ms) => {
        const parts = [...durationText(ms, 'en').matchAll(/(\d+) (s|min|h|d)/g)];
        const told = parts.reduce((sum, [, n, unit]) => sum + Number(n) * sizes[unit!]!, 0);
        const units = Object.values(sizes).toReversed();
        const smaller = units[units.findIndex((size) => told >= size) + 1] ?? 1_000;
        expect(Math.abs(told - ms)).toBeLessThanOrEqual(smaller / 2 + 500);
      }),
    );
  });
});

describe('a counted thing', () => {
  test.each([
    [0, '0 attempts', '0 попыток'],
    [1, '1 attempt', '1 попытка'],
    [2, '2 attempts', '2 попытки'],
    [5, '5 attempts', '5 попыток'],
    [11, '11 attempts', '11 попыток'],
    [21, '21 attempts', '21 попытка'],
    [22, '22 attempts', '22 попытки'],
    [112, '112 attempts', '112 попыток'],
    [1.5, '1.5 attempts', '1,5 попытки'],
    [10_001, '10,001 attempts', '10 001 попытка'],
  ])('%d', (n, en, ru) => {
    expect(plain(howMany(n, 'attempt', 'en'))).toBe(en);
    expect(plain(howMany(n, 'attempt', 'ru'))).toBe(ru);
  });

  test.each([
    [1, 'of 1 job', 'из 1 задания'],
    [2, 'of 2 jobs', 'из 2 заданий'],
    [5, 'of 5 jobs', 'из 5 заданий'],
    [21, 'of 21 jobs', 'из 21 задания'],
    [111, 'of 111 jobs', 'из 111 заданий'],
  ])('behind of: %d', (n, en, ru) => {
    expect(`of ${ofHowMany(n, 'job', 'en')}`).toBe(en);
    expect(`из ${ofHowMany(n, 'job', 'ru')}`).toBe(ru);
  });

  test.each([
    ['payment', 'платёж', 'платежа', 'платежей'],
    ['outage', 'сбой', 'сбоя', 'сбоев'],
    ['node', 'узел', 'узла', 'узлов'],
    ['request', 'запрос', 'запроса', 'запросов'],
    ['day', 'день', 'дня', 'дней'],
    ['minute', 'минута', 'минуты', 'минут'],
    ['message', 'сообщение', 'сообщения', 'сообщений'],
  ] as const)('%s', (noun, one, few, many) => {
    expect([1, 3, 5].map((n) => howMany(n, noun, 'ru'))).toEqual([`1 ${one}`, `3 ${few}`, `5 ${many}`]);
  });
});

describe('a number', () => {
  test.each([
    [1_234.567, '1,234.57', '1 234,57'],
    [12_345, '12,345', '12 345'],
    [-5, '-5', '-5'],
  ])('in full: %d', (n, en, ru) => {
    expect(numberText(n, 'en')).toBe(en);
    expect(plain(numberText(n, 'ru'))).toBe(ru);
  });

  test('in short', () => {
    expect(compactText(150e6, 'en')).toBe('150M');
    expect(plain(compactText(150e6, 'ru'))).toBe('150 млн');
  });

  test.each([
    [99.99, '99.9 %', '99,9 %'],
    [100, '100 %', '100 %'],
    [58.33, '58.3 %', '58,3 %'],
  ])('as a percentage, where what is not quite 100 never reads so: %d', (percent, en, ru) => {
    expect(percentText(percent, 'en')).toBe(en);
    expect(percentText(percent, 'ru')).toBe(ru);
  });

  test.each([
    [0, '0 %'],
    [0.00001, '< 0.1 %'],
    [0.05, '5 %'],
    [0.1234, '12.3 %'],
  ])('as a share, where what is not quite nothing never reads so: %d', (share, text) => {
    expect(shareText(share, 'en')).toBe(text);
  });

  test('of bytes, in a unit that reads well', () => {
    expect(byteUnit(0, 'en').unit).toBe('B');
    expect(byteUnit(1.5 * 1024 ** 4, 'en')).toEqual({ unit: 'TiB', bytes: 1024 ** 4 });
    expect(bytesText(1.5 * 1024 ** 4, 'ru')).toBe('1,5 ТиБ');
  });

  test('of milliseconds', () => {
    expect(latencyText(3_000.4, 'en')).toBe('3,000 ms');
    expect(latencyText(50, 'ru')).toBe('50 мс');
  });
});
