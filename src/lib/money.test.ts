import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PermanentError } from './errors.ts';
import { add, compare, divide, equalAmount, formatMoney, money } from './money.ts';

const usd = (amount: string) => money(amount, 'USD');

/** Any decimal text of up to 40 + 30 digits, and its exact value in units of 10^-30. */
const decimal = fc
  .record({
    negative: fc.boolean(),
    whole: fc.bigInt({ min: 0n, max: 10n ** 40n }),
    fraction: fc.stringMatching(/^\d{0,30}$/),
  })
  .map(({ negative, whole, fraction }) => ({
    text: `${negative ? '-' : ''}${whole}${fraction && `.${fraction}`}`,
    units: (negative ? -1n : 1n) * BigInt(`${whole}${fraction.padEnd(30, '0')}`),
  }));

const refusal = (code: string) => expect.objectContaining({ name: 'PermanentError', code });

describe('amounts are exact at any number of digits', () => {
  test('adding agrees with whole-number arithmetic on the smallest unit', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const units = a.units + b.units;
        const sign = units < 0n ? '-' : '';
        const digits = (units < 0n ? -units : units).toString().padStart(31, '0');
        const expected = usd(`${sign}${digits.slice(0, -30)}.${digits.slice(-30)}`);
        expect(equalAmount(add(usd(a.text), usd(b.text)), expected)).toBe(true);
      }),
    );
  });

  test('comparing orders by value', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        expect(compare(usd(a.text), usd(b.text))).toBe(a.units === b.units ? 0 : a.units < b.units ? -1 : 1);
      }),
    );
  });

  test('a sum does not depend on the order', () => {
    fc.assert(
      fc.property(fc.array(decimal), (all) => {
        const amounts = all.map(({ text }) => usd(text));
        const total = amounts.reduce(add, usd('0'));
        expect(equalAmount(total, amounts.toReversed().reduce(add, usd('0')))).toBe(true);
      }),
    );
  });

  test('a part times the number of parts misses the total by at most half a last digit per part', () => {
    fc.assert(
      fc.property(
        decimal,
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 0, max: 8 }),
        (total, parts, digits) => {
          const { amount } = divide(usd(total.text), parts, digits);
          expect(amount).toMatch(digits === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${digits}}$`));
          const part = BigInt(amount.replace('.', '')) * 10n ** BigInt(30 - digits);
          const missed = part * BigInt(parts) - total.units;
          expect(2n * (missed < 0n ? -missed : missed)).toBeLessThanOrEqual(BigInt(parts) * 10n ** BigInt(30 - digits));
        },
      ),
    );
  });

  test('0.1 and 0.2 are 0.3', () => {
    expect(add(usd('0.1'), usd('0.2'))).toEqual(usd('0.3'));
  });

  test('trailing zeros of the database and leading zeros change nothing', () => {
    expect(equalAmount(usd('10'), usd('10.00000000'))).toBe(true);
    expect(equalAmount(usd('010.0'), usd('10'))).toBe(true);
    expect(equalAmount(usd('-0.00'), usd('0'))).toBe(true);
    expect(equalAmount(usd('10'), usd('10.00000001'))).toBe(false);
  });

  test('money goes in and out unchanged', () => {
    expect(money('10.50000000', 'USDT')).toEqual({ amount: '10.50000000', currency: 'USDT' });
  });

  test('zero and zero are zero', () => {
    expect(add(money('0', 'RUB'), money('0', 'RUB'))).toEqual(money('0', 'RUB'));
  });

  test('halves are rounded away from zero', () => {
    expect(divide(usd('0.05'), 2, 2).amount).toBe('0.03');
    expect(divide(usd('-0.05'), 2, 2).amount).toBe('-0.03');
    expect(divide(usd('10'), 3, 2).amount).toBe('3.33');
    expect(divide(usd('20'), 3, 0).amount).toBe('7');
  });
});

describe('currencies are never mixed', () => {
  test('different currencies are never equal', () => {
    expect(equalAmount(usd('10'), money('10', 'USDT'))).toBe(false);
  });

  test('comparing or adding them is refused with both values', () => {
    const euro = money('5', 'EUR');
    expect(() => compare(usd('1'), euro)).toThrow(refusal('currency_mismatch'));
    expect(() => add(usd('1'), euro)).toThrow('money: 1 USD and 5 EUR are of different currencies');
    expect(() => [usd('1'), euro].reduce(add, usd('0'))).toThrow(refusal('currency_mismatch'));
  });

  test.each(['', 'usd', 'U', 'ABCDEFGHIJK', 'US D', '1USD'])('%j is refused as a currency', (currency) => {
    expect(() => money('1', currency)).toThrow(refusal('currency_invalid'));
  });
});

describe('hostile amounts are refused with what was given', () => {
  const hostile = ['', ' 1', '1 ', '+1', '--1', '.5', '1.', '1.2.3', '1,000', '1_000', '1 000', '1e3', '1E-8', '0x10'];
  const words = ['NaN', 'Infinity', '-Infinity', 'null', '١٢', '１', '1\n', '1n'];
  test.each([...hostile, ...words])('%j', (amount) => {
    expect(() => usd(amount)).toThrow(refusal('amount_invalid'));
    expect(() => usd(amount)).toThrow(JSON.stringify(amount));
    expect(() => formatMoney(amount, 'USD', 'en')).toThrow(refusal('amount_invalid'));
  });

  test('a number is refused although it looks like an amount', () => {
    expect(() => usd(12.5 as unknown as string)).toThrow('money: 12.5 is no amount');
  });

  test('a megabyte is refused at once and not repeated in the message', () => {
    const attempt = () => usd('9'.repeat(1_000_000));
    expect(attempt).toThrow(PermanentError);
    expect(attempt).toThrow(/^.{0,200}$/);
  });

  test('any text is either taken as it stands or refused with our error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String)), (text) => {
        try {
          expect(usd(text).amount).toBe(text);
          expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        } catch (error) {
          expect(error).toEqual(refusal('amount_invalid'));
        }
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('dividing into %d parts is refused', (parts) => {
    expect(() => divide(usd('1'), parts, 2)).toThrow(refusal('divisor_invalid'));
  });
});

describe('people read money with the usual digits of its currency', () => {
  // The space between Russian thousands is U+00A0.
  test.each([
    ['1234.5', 'USD', '1,234.50 USD', '1\u00a0234,50 USD'],
    ['10.00000000', 'RUB', '10.00 RUB', '10,00 RUB'],
    ['0.01500000', 'BTC', '0.015 BTC', '0,015 BTC'],
    ['5', 'USDT', '5 USDT', '5 USDT'],
    ['250.00000000', 'XTR', '250 XTR', '250 XTR'],
    ['0', 'EUR', '0.00 EUR', '0,00 EUR'],
    ['-0.00', 'EUR', '0.00 EUR', '0,00 EUR'],
    ['-3.5', 'EUR', '-3.50 EUR', '-3,50 EUR'],
  ])('%s %s', (amount, currency, en, ru) => {
    expect(formatMoney(amount, currency, 'en')).toBe(en);
    expect(formatMoney(amount, currency, 'ru')).toBe(ru);
  });

  test('twenty-five digits stay exact', () => {
    expect(formatMoney('1234567890123456789012345.67', 'USD', 'en')).toBe('1,234,567,890,123,456,789,012,345.67 USD');
  });

  test('an amount that is not zero never reads as zero', () => {
    expect(formatMoney('0.004', 'USD', 'en')).toBe('0.004 USD');
    expect(formatMoney('0.000000000001', 'TON', 'en')).toBe('0.000000000001 TON');
    expect(formatMoney('0.004', 'USD', 'ru')).toBe('0,004 USD');
  });
});
