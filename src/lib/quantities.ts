import { days, hours, minutes } from './duration.ts';
import type { Locale } from './locale.ts';

/*
 * How a number, a share, a span of time and a counted thing are said in messages, reports, charts and on the console. Each is
 * said here and nowhere else, which `tools/house/quantities.test.ts` holds.
 */

/** To make a format takes twenty times as long as to use it, and the first one of a process ten milliseconds. */
function inBoth(options: Intl.NumberFormatOptions): (locale: Locale) => Intl.NumberFormat {
  const made: Partial<Record<Locale, Intl.NumberFormat>> = {};
  return (locale) => {
    made[locale] ??= new Intl.NumberFormat(locale, options);
    return made[locale];
  };
}
const numberIn = inBoth({ maximumFractionDigits: 2 });
const compactIn = inBoth({ notation: 'compact', maximumFractionDigits: 2 });
const percentIn = inBoth({ maximumFractionDigits: 1, roundingMode: 'floor' });
const shareIn = inBoth({ maximumFractionDigits: 1 });

/** `1,234.57`, `1 234,57`: at most two decimals. */
export const numberText = (n: number, locale: Locale): string => numberIn(locale).format(n);

/** `150M`, `150 млн`: for where there is little room. */
export const compactText = (n: number, locale: Locale): string => compactIn(locale).format(n);

/** Of a percentage: one decimal, rounded down, so that what is not quite 100 % never reads so. */
export const percentText = (percent: number, locale: Locale): string => `${percentIn(locale).format(percent)} %`;

/** Of a share from 0 to 1: one decimal. A share above zero never reads as 0 %. */
export function shareText(share: number, locale: Locale): string {
  return share > 0 && share < 0.0005
    ? `< ${shareIn(locale).format(0.1)} %`
    : `${shareIn(locale).format(share * 100)} %`;
}

const BYTE_UNITS = {
  en: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'],
  ru: ['Б', 'КиБ', 'МиБ', 'ГиБ', 'ТиБ', 'ПиБ'],
} as const satisfies Record<Locale, readonly string[]>;

/** The unit in which the largest of some byte counts reads best, and how many bytes it has. */
export function byteUnit(most: number, locale: Locale): { unit: string; bytes: number } {
  const units = BYTE_UNITS[locale];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, most)) / 10)));
  return { unit: units[power]!, bytes: 1024 ** power };
}

/** `1.21 TiB`. */
export function bytesText(bytes: number, locale: Locale): string {
  const scale = byteUnit(bytes, locale);
  return `${numberText(bytes / scale.bytes, locale)} ${scale.unit}`;
}

const SPAN_UNITS = [
  { ms: 86_400_000, en: 'd', ru: 'д' },
  { ms: 3_600_000, en: 'h', ru: 'ч' },
  { ms: 60_000, en: 'min', ru: 'мин' },
  { ms: 1000, en: 's', ru: 'с' },
] as const;

/** `2 s`, `1 min 32 s`, `2 h 5 min`: the two largest units, rounded to the smaller one. Below a second it says so. */
export function durationText(ms: number, locale: Locale): string {
  if (ms > 0 && ms < 500) return { en: 'less than 1 s', ru: 'меньше 1 с' }[locale];
  const whole = Math.max(0, Math.round(ms / 1000)) * 1000;
  const first = SPAN_UNITS.findIndex((unit) => whole >= unit.ms);
  if (first === -1) return `0 ${SPAN_UNITS[3][locale]}`;
  const shown = SPAN_UNITS.slice(first, first + 2);
  const smallest = shown.at(-1)!.ms;
  const rounded = Math.round(whole / smallest) * smallest;
  // Rounded up to a day, 23 h 59 min 40 s has other units than before.
  if (first > 0 && rounded >= SPAN_UNITS[first - 1]!.ms) return durationText(rounded, locale);
  let left = rounded;
  const parts = shown.map((unit) => {
    const count = Math.floor(left / unit.ms);
    left -= count * unit.ms;
    return count > 0 ? `${numberText(count, locale)} ${unit[locale]}` : '';
  });
  return parts.filter(Boolean).join(' ');
}

/** `50 ms`: how long a call took. */
export const latencyText = (ms: number, locale: Locale): string =>
  `${numberText(Math.round(ms), locale)} ${{ en: 'ms', ru: 'мс' }[locale]}`;

/**
 * The distance as a person says it, to the nearest unit and never "in 0": minutes below an hour, hours below two days, else days.
 * Plural forms are those of the Unicode locale data in `Intl`.
 */
export function inTime(leftMs: number, locale: Locale): string {
  const [unit, unitMs] =
    leftMs < hours(1) - minutes(0.5)
      ? (['minute', minutes(1)] as const)
      : leftMs < days(2) - hours(0.5)
        ? (['hour', hours(1)] as const)
        : (['day', days(1)] as const);
  return new Intl.RelativeTimeFormat(locale, { numeric: 'always' }).format(
    Math.max(1, Math.round(leftMs / unitMs)),
    unit,
  );
}

/** `3 min. ago`, `in 2 hr.`: how far a moment is from now, to the largest unit. The console's script says it in the same steps. */
export function agoText(distanceMs: number, locale: Locale): string {
  const size = Math.abs(distanceMs);
  const [unit, unitMs] =
    size < minutes(1)
      ? (['second', 1000] as const)
      : size < hours(1)
        ? (['minute', minutes(1)] as const)
        : size < days(2)
          ? (['hour', hours(1)] as const)
          : (['day', days(1)] as const);
  return new Intl.RelativeTimeFormat(locale, { style: 'short', numeric: 'auto' }).format(
    Math.trunc(distanceMs / unitMs),
    unit,
  );
}

/** The things that are counted: English one and other; Russian one, few and many, as in `1 узел`, `2 узла`, `5 узлов`. */
const NOUNS = {
  alert: [
    ['alert', 'alerts'],
    ['оповещение', 'оповещения', 'оповещений'],
  ],
  attempt: [
    ['attempt', 'attempts'],
    ['попытка', 'попытки', 'попыток'],
  ],
  day: [
    ['day', 'days'],
    ['день', 'дня', 'дней'],
  ],
  deadLetter: [
    ['dead letter', 'dead letters'],
    ['неудача', 'неудачи', 'неудач'],
  ],
  job: [
    ['job', 'jobs'],
    ['задание', 'задания', 'заданий'],
  ],
  message: [
    ['message', 'messages'],
    ['сообщение', 'сообщения', 'сообщений'],
  ],
  minute: [
    ['minute', 'minutes'],
    ['минута', 'минуты', 'минут'],
  ],
  node: [
    ['node', 'nodes'],
    ['узел', 'узла', 'узлов'],
  ],
  notification: [
    ['notification', 'notifications'],
    ['уведомление', 'уведомления', 'уведомлений'],
  ],
  outage: [
    ['outage', 'outages'],
    ['сбой', 'сбоя', 'сбоев'],
  ],
  payment: [
    ['payment', 'payments'],
    ['платёж', 'платежа', 'платежей'],
  ],
  request: [
    ['request', 'requests'],
    ['запрос', 'запроса', 'запросов'],
  ],
  user: [
    ['user', 'users'],
    ['пользователь', 'пользователя', 'пользователей'],
  ],
} as const satisfies Record<string, readonly [readonly [string, string], readonly [string, string, string]]>;

type Noun = keyof typeof NOUNS;

/** Masculine and neuter few is the genitive singular, which is what stands after `из`; of these the few is `неудачи`, `попытки`, too. */
const RULES = { en: new Intl.PluralRules('en'), ru: new Intl.PluralRules('ru') };

/** The word alone, in the form for so many: `node`, `nodes`; `узел`, `узла`, `узлов`. */
function nounFor(n: number, noun: Noun, locale: Locale): string {
  const [[one, other], [ruOne, ruFew, ruMany]] = NOUNS[noun];
  const rule = RULES[locale].select(n);
  if (locale === 'en') return rule === 'one' ? one : other;
  if (rule === 'one') return ruOne;
  // A fraction, `1,5 дня`, is counted as few are.
  return rule === 'many' ? ruMany : ruFew;
}

/** `1 attempt`, `5 attempts`; `1 попытка`, `2 попытки`, `5 попыток`. */
export const howMany = (n: number, noun: Noun, locale: Locale): string =>
  `${numberText(n, locale)} ${nounFor(n, noun, locale)}`;

/** The same behind `of` and `из`, where Russian has the genitive: `из 21 задания`, `из 5 заданий`. */
export function ofHowMany(n: number, noun: Noun, locale: Locale): string {
  if (locale === 'en') return howMany(n, noun, locale);
  const [, [, genitive, many]] = NOUNS[noun];
  const isOne = RULES.ru.select(n) === 'one' || !Number.isInteger(n);
  return `${numberText(n, locale)} ${isOne ? genitive : many}`;
}
