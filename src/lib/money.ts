import { PermanentError } from './errors.ts';

/**
 * An exact sum of one currency. `amount` is a plain decimal (`-?digits[.digits]`), never a number: amounts from PostgreSQL's `numeric` and
 * Crypto Pay's JSON pass through unchanged. Only this module calculates with amounts.
 */
export type Money = { readonly amount: string; readonly currency: string };

/** The value is `units / 10 ** scale`. */
type Decimal = { readonly units: bigint; readonly scale: number };

const AMOUNT = /^(?<sign>-?)(?<whole>\d+)(?:\.(?<fraction>\d+))?$/;

/** Far longer than any `numeric(20,8)` or on-chain amount, and short enough that hostile input costs little. */
const MAX_AMOUNT_LENGTH = 1_000;

/** `payments.currency` is `varchar(10)`; Crypto Pay's codes are 3 or 4 capitals. */
const CURRENCY = /^[A-Z][A-Z0-9]{1,9}$/;

/**
 * Checks an amount and a currency. Throws `PermanentError` for exponents, separators, signs other than a leading minus, NaN, numbers, odd
 * currency codes.
 */
export function money(amount: string, currency: string): Money {
  toDecimal(amount);
  if (!CURRENCY.test(currency)) {
    const message = `money: ${show(currency)} is no currency code; expected 2 to 10 capitals such as USD or USDT`;
    throw new PermanentError('currency_invalid', message);
  }
  return { amount, currency };
}

/** Whether both are the same value of the same currency: `10`, `10.00` and `10.00000000` are. */
export function equalAmount(a: Money, b: Money): boolean {
  return a.currency === b.currency && compare(a, b) === 0;
}

/** Negative, zero or positive, as `sort` expects. Throws `PermanentError` where the currencies differ. */
export function compare(a: Money, b: Money): -1 | 0 | 1 {
  sameCurrency(a, b);
  const [left, right] = aligned(toDecimal(a.amount), toDecimal(b.amount));
  if (left.units === right.units) return 0;
  return left.units < right.units ? -1 : 1;
}

/** The exact sum of two. Throws `PermanentError` where the currencies differ. */
export function add(a: Money, b: Money): Money {
  sameCurrency(a, b);
  const [left, right] = aligned(toDecimal(a.amount), toDecimal(b.amount));
  return { amount: toText({ units: left.units + right.units, scale: left.scale }), currency: a.currency };
}

/** An approximation for the height of a bar or a change in percent; not for calculating, comparing or showing digits. */
export function roughly(amount: string): number {
  toDecimal(amount);
  return Number(amount);
}

/** One of `parts` equal parts with that many digits after the point, halves rounded away from zero. Throws `PermanentError` unless `parts` is a whole number from 1. */
export function divide(total: Money, parts: number, digits: number): Money {
  if (!Number.isSafeInteger(parts) || parts < 1) {
    const message = `money: cannot divide ${total.amount} ${total.currency} into ${parts} parts; expected a whole number from 1`;
    throw new PermanentError('divisor_invalid', message);
  }
  const { units, scale } = toDecimal(total.amount);
  const dividend = units * 10n ** BigInt(digits);
  const divisor = BigInt(parts) * 10n ** BigInt(scale);
  return { amount: toText({ units: roundedQuotient(dividend, divisor), scale: digits }), currency: total.currency };
}

/**
 * `total` less `by` of `of` equal parts of `other`, with that many digits after the point, halves rounded away from zero. Throws
 * `PermanentError` where the currencies differ, and unless both counts are whole numbers from 1.
 */
export function minusShare(
  total: Money,
  other: Money,
  { by, digits, of }: { by: number; of: number; digits: number },
): Money {
  sameCurrency(total, other);
  const wrong = [by, of].find((count) => !Number.isSafeInteger(count) || count < 1);
  if (wrong !== undefined) {
    const message = `money: cannot take ${by} of ${of} parts of ${other.amount} ${other.currency}; expected whole numbers from 1`;
    throw new PermanentError('divisor_invalid', message);
  }
  const [left, right] = aligned(toDecimal(total.amount), toDecimal(other.amount));
  const parts = left.units * BigInt(of) - right.units * BigInt(by);
  const units = roundedQuotient(parts * 10n ** BigInt(digits), BigInt(of) * 10n ** BigInt(left.scale));
  return { amount: toText({ units, scale: digits }), currency: total.currency };
}

/**
 * Money as people read it: `1,234.50 USD`, `1 234,50 USD`, `0.015 BTC`, `250 XTR`. For display only: rounded to the currency's usual
 * digits, except that a non-zero amount never reads as zero.
 */
export function formatMoney(amount: string, currency: string, locale: 'en' | 'ru'): string {
  const { units, scale } = toDecimal(amount);
  const { least, most } = usualDigits(currency);
  const vanishes = units !== 0n && roundedQuotient(units * 10n ** BigInt(most), 10n ** BigInt(scale)) === 0n;
  const digits = { minimumFractionDigits: least, maximumFractionDigits: vanishes ? Math.min(scale, 100) : most };
  const options = { ...digits, signDisplay: 'negative' } as const;
  // Intl reads decimal text exactly, without a float.
  const text = new Intl.NumberFormat(locale, options).format(amount as Intl.StringNumericLiteral);
  return `${text} ${currency}`;
}

/** The fiat currencies of Crypto Pay (https://help.crypt.bot/crypto-pay-api#supported-fiats), all with two digits. */
export const FIAT_CURRENCIES: ReadonlySet<string> = new Set(
  'USD EUR RUB BYN UAH GBP CNY KZT UZS GEL TRY AMD THB INR BRL IDR AZN AED PLN ILS'.split(' '),
);

/** Telegram Stars, which have no fractions. */
const STARS = 'XTR';

/** Fiat: always 2. Stars: none. Any other currency counts as a coin: up to the 8 digits that `payments` stores. */
function usualDigits(currency: string): { least: number; most: number } {
  if (FIAT_CURRENCIES.has(currency)) return { least: 2, most: 2 };
  return currency === STARS ? { least: 0, most: 0 } : { least: 0, most: 8 };
}

function sameCurrency(a: Money, b: Money): void {
  if (a.currency === b.currency) return;
  const message = `money: ${a.amount} ${a.currency} and ${b.amount} ${b.currency} are of different currencies`;
  throw new PermanentError('currency_mismatch', message);
}

function toDecimal(amount: string): Decimal {
  const match = typeof amount === 'string' && amount.length <= MAX_AMOUNT_LENGTH ? AMOUNT.exec(amount) : null;
  if (!match?.groups) {
    const message = `money: ${show(amount)} is no amount; expected decimal text such as "12.50", without exponent or separators`;
    throw new PermanentError('amount_invalid', message);
  }
  const { sign, whole, fraction = '' } = match.groups;
  return { units: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

function aligned(a: Decimal, b: Decimal): [Decimal, Decimal] {
  const scale = Math.max(a.scale, b.scale);
  const lift = (one: Decimal) => ({ units: one.units * 10n ** BigInt(scale - one.scale), scale });
  return [lift(a), lift(b)];
}

function toText({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Rounds halves away from zero. */
function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  const size = dividend < 0n ? -dividend : dividend;
  const quotient = (2n * size + divisor) / (2n * divisor);
  return dividend < 0n ? -quotient : quotient;
}

/** The given value, cut short because it may be a megabyte of rubbish. */
function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
}
