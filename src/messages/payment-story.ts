import type { Locale } from '../lib/locale.ts';
import { formatMoney, type Money } from '../lib/money.ts';
import type { PurchaseKind } from '../lib/purchase.ts';
import { howMany } from '../lib/quantities.ts';
import { actInWords, type NamedAct, type WaitingReason, waitingInWords } from './payment-desk.ts';
import { minuteInUtc } from './time.ts';

/** Everything that the sentences about one payment are made of. */
export type PaymentStory = {
  id: string;
  price: Money;
  bought: PurchaseKind;
  days: number;
  planName: string | undefined;
  customer: { id: string; username: string | undefined; telegramId: number | undefined };
  createdAt: Date;
  status: string;
  settledBy: string | undefined;
  invoiceId: string | undefined;
  invoice: { status: string; price: Money; paid: Money | undefined; paidAt: Date | undefined } | { problem: string };
  promise: { to: string; until: Date | undefined; doneAt: Date | undefined; givenBy: string | undefined } | undefined;
  doneAt: Date | undefined;
  decision:
    | {
        act: NamedAct;
        by: string;
        at: Date;
        panelUser?: string | undefined;
        days?: number | undefined;
        reason?: string | undefined;
      }
    | undefined;
  reason: WaitingReason | undefined;
  since: Date | undefined;
  detail: string | undefined;
  acts: readonly NamedAct[];
  candidates: readonly { username: string; status: string; expireAt: Date; reasons: readonly string[] }[];
  missing: readonly string[];
  messages: readonly {
    type: string;
    status: string;
    createdAt: Date;
    sentAt?: Date | undefined;
    error?: string | undefined;
  }[];
};

/** What happened to a payment, why it waits, and which acts help, in the order in which a person asks. */
export function paymentInWords(facts: PaymentStory, locale: Locale): string[] {
  return [
    bought(facts, locale),
    invoice(facts, locale),
    state(facts, locale),
    ...promise(facts, locale),
    ...decision(facts, locale),
    waiting(facts, locale),
    ...facts.candidates.map((one) => candidate(one, locale)),
    ...facts.missing,
    ...facts.messages.map((one) => message(one, locale)),
    ...facts.acts.map((act) => `payments ${act}: ${actInWords(act, locale)}.`),
  ];
}

const BOUGHT: Readonly<Record<PurchaseKind, Readonly<Record<Locale, string>>>> = {
  period: { en: 'a period', ru: 'период' },
  upgrade: { en: 'another plan', ru: 'другой тариф' },
  addon: { en: 'an add-on', ru: 'дополнение' },
  gift: { en: 'a gift for somebody else', ru: 'подарок другому человеку' },
  unknown: { en: 'something unknown', ru: 'неизвестно что' },
};

function bought({ createdAt, customer, days, id, planName, price, ...facts }: PaymentStory, locale: Locale): string {
  const who = [
    customer.id,
    ...(customer.username === undefined ? [] : [customer.username]),
    ...(customer.telegramId === undefined ? [] : [`Telegram ${customer.telegramId}`]),
  ].join(', ');
  const plan = planName === undefined ? '' : `, ${planName}`;
  const length = howMany(days, 'day', locale);
  return {
    en: `Payment ${id} bought ${BOUGHT[facts.bought].en}${plan}, for ${formatMoney(price.amount, price.currency, 'en')}; its row says ${length}. Made ${minuteInUtc(createdAt)} for customer ${who}.`,
    ru: `Платёж ${id}: куплено: ${BOUGHT[facts.bought].ru}${plan}, за ${formatMoney(price.amount, price.currency, 'ru')}; в строке ${length}. Создан ${minuteInUtc(createdAt)} для клиента ${who}.`,
  }[locale];
}

function invoice({ invoice: known, invoiceId }: PaymentStory, locale: Locale): string {
  if (invoiceId === undefined) return { en: 'It has no invoice.', ru: 'У него нет счёта.' }[locale];
  if ('problem' in known)
    return {
      en: `Invoice ${invoiceId}: Crypto Pay did not tell: ${known.problem}.`,
      ru: `Счёт ${invoiceId}: Crypto Pay не сообщил: ${known.problem}.`,
    }[locale];
  const exact = ({ amount, currency }: Money): string => `${amount} ${currency}`;
  const at = known.paidAt === undefined ? '' : ` ${minuteInUtc(known.paidAt)}`;
  const paid =
    known.paid === undefined
      ? ''
      : { en: `, paid with ${exact(known.paid)}`, ru: `, оплачен ${exact(known.paid)}` }[locale];
  return {
    en: `Invoice ${invoiceId} over ${exact(known.price)} is ${known.status}${at} at Crypto Pay${paid}.`,
    ru: `Счёт ${invoiceId} на ${exact(known.price)}, состояние в Crypto Pay: ${known.status}${at}${paid}.`,
  }[locale];
}

const SIDES: Readonly<Record<string, Readonly<Record<Locale, string>>>> = {
  worker: { en: ', by this worker', ru: ', изменил этот воркер' },
  backend: { en: ', by the backend', ru: ', изменил бэкенд' },
};

function state({ doneAt, settledBy, status }: PaymentStory, locale: Locale): string {
  const by = SIDES[settledBy ?? '']?.[locale] ?? '';
  const at = doneAt === undefined ? '' : ` ${minuteInUtc(doneAt)}`;
  return { en: `Its row is ${status}${at}${by}.`, ru: `Строка: ${status}${at}${by}.` }[locale];
}

function promise({ promise: made }: PaymentStory, locale: Locale): string[] {
  if (!made) return [];
  const until = made.until === undefined ? '?' : minuteInUtc(made.until);
  if (made.givenBy !== undefined)
    return [
      {
        en: `The days were given by the ${made.givenBy}, to panel user ${made.to}, until ${until}.`,
        ru: `Дни выдал ${made.givenBy === 'person' ? 'человек' : 'бэкенд'}, пользователю панели ${made.to}, до ${until}.`,
      }[locale],
    ];
  const isThere = made.doneAt !== undefined;
  return [
    {
      en: `The days are promised to panel user ${made.to} until ${until}; the panel ${isThere ? 'has them' : 'may not have them yet'}.`,
      ru: `Дни обещаны пользователю панели ${made.to} до ${until}; в панели они ${isThere ? 'есть' : 'могут ещё отсутствовать'}.`,
    }[locale],
  ];
}

function decision({ decision: made }: PaymentStory, locale: Locale): string[] {
  if (!made) return [];
  const details = [
    ...(made.panelUser === undefined ? [] : [made.panelUser]),
    ...(made.days === undefined ? [] : [{ en: `days: ${made.days}`, ru: `дней: ${made.days}` }[locale]]),
    ...(made.reason === undefined ? [] : [made.reason]),
  ].join(', ');
  const more = details === '' ? '' : ` (${details})`;
  return [
    {
      en: `${made.by} decided ${made.act}${more} ${minuteInUtc(made.at)}.`,
      ru: `${made.by}: решение ${made.act}${more} ${minuteInUtc(made.at)}.`,
    }[locale],
  ];
}

function waiting({ since, ...facts }: PaymentStory, locale: Locale): string {
  const at =
    since === undefined ? '' : { en: ` Since ${minuteInUtc(since)}.`, ru: ` С ${minuteInUtc(since)}.` }[locale];
  return waitingInWords(facts, locale) + at;
}

function candidate(
  { expireAt, reasons, status, username }: PaymentStory['candidates'][number],
  locale: Locale,
): string {
  const why = reasons.join('; ');
  return {
    en: `Candidate ${username}, ${status}, until ${minuteInUtc(expireAt)}: ${why}.`,
    ru: `Кандидат ${username}, ${status}, до ${minuteInUtc(expireAt)}: ${why}.`,
  }[locale];
}

function message({ createdAt, error, sentAt, status, type }: PaymentStory['messages'][number], locale: Locale): string {
  const fate = sentAt === undefined ? status : `${status} ${minuteInUtc(sentAt)}`;
  const more = error === undefined ? '' : ` (${error})`;
  return {
    en: `Message ${type} to the customer: queued ${minuteInUtc(createdAt)}, ${fate}${more}.`,
    ru: `Сообщение ${type} клиенту: поставлено ${minuteInUtc(createdAt)}, ${fate}${more}.`,
  }[locale];
}
