import { z } from 'zod';
import type { TextName } from '../lib/customer-texts.ts';
import type { Html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { PURCHASE_KINDS } from '../lib/purchase.ts';
import { unsendable } from './html-problem-words.ts';
import { autoRenewInvoice, paymentFailed, paymentLate, paymentReceived } from './payments.ts';
import { readRow, withFacts } from './row-facts.ts';
import {
  subscriptionExpired,
  subscriptionExpiring,
  subscriptionsExpired,
  subscriptionsExpiring,
  trafficReset,
  trafficUsedUp,
} from './subscriptions.ts';
import { BUILT_IN_WORDING, type OwnText, type Wording } from './wording.ts';

/** Each fact is text in the row. */
const Time = z.iso.datetime().transform((text) => new Date(text));
const Price = z
  .string()
  .regex(/^-?\d+(\.\d+)? [A-Z][A-Z0-9]{1,9}$/)
  .transform((text) => {
    const [amount, currency] = text.split(' ');
    return { amount: amount!, currency: currency! };
  });
const locale = z.enum(['en', 'ru']);
const purchase = {
  paymentId: z.uuid(),
  price: Price,
  days: z.coerce.number().int(),
  /** Rows of earlier versions do not say it: they were about periods. */
  bought: z.enum(PURCHASE_KINDS).default('period'),
  planName: z.string().optional(),
  locale,
};

const Subject = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('reminder'),
    username: z.string(),
    expiresAt: Time,
    renewUrl: z.string().optional(),
    locale,
  }),
  z.object({
    kind: z.literal('traffic'),
    username: z.string(),
    expiresAt: Time,
    limitBytes: z.coerce.number().nonnegative(),
    renewUrl: z.string().optional(),
    locale,
  }),
  z.object({
    kind: z.literal('expired'),
    username: z.string(),
    expiresAt: Time,
    renewUrl: z.string().optional(),
    locale,
  }),
  z.object({ kind: z.literal('reset'), locale }),
  z.object({
    kind: z.literal('renewal'),
    ...purchase,
    expiresAt: Time,
    payUrl: z.string(),
    payBefore: Time.optional(),
  }),
  z.object({ kind: z.literal('receipt'), ...purchase, expiresAt: Time.optional() }),
  z.object({ kind: z.literal('unpaid'), ...purchase }),
  z.object({ kind: z.literal('late'), ...purchase }),
]);

/** What a queued message to a customer is about, in the language that it is written in. */
export type Subject = z.output<typeof Subject>;

/** A message for `notification_queue`: as it reads now, with what is needed to write it anew. */
export function queuedText(subject: Subject, now: Date, wording: Wording = BUILT_IN_WORDING): string {
  const facts = Object.entries(subject).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, asText(value)]],
  );
  return withFacts(sound(subject, now, wording).html, Object.fromEntries(facts));
}

/** What a row is about; undefined where it does not say so in a way that we know. */
export function queuedSubject(message: string): Subject | undefined {
  const { facts } = readRow(message);
  return facts && Subject.safeParse(facts).data;
}

/** A message as it is to be sent. */
export type CurrentText = {
  text: string;
  /** Of one that is in the owner's words: these, and the same message in the built-in words. */
  instead?: { own: OwnText; text: string } | undefined;
  /** The owner's words, where they do not make a message: `text` is in the built-in ones. */
  broken?: { own: OwnText; why: string } | undefined;
};

/** The text of a row as it is to be sent now: with today's distances, dates and words, where it says what it is about. */
export function currentText(message: string, now: Date, wording: Wording = BUILT_IN_WORDING): CurrentText {
  const { facts, text } = readRow(message);
  const subject = facts && Subject.safeParse(facts).data;
  return subject ? sentAs(sound(subject, now, wording)) : { text };
}

/** A row of a customer with several of these subscriptions: one message about all of them. Undefined where there is none about several. */
export function currentTextOfSeveral(
  messages: readonly string[],
  now: Date,
  wording: Wording = BUILT_IN_WORDING,
): CurrentText | undefined {
  const subjects = messages.flatMap((message) => queuedSubject(message) ?? []);
  const reminders = subjects.filter((subject) => subject.kind === 'reminder');
  const ended = subjects.filter((subject) => subject.kind === 'expired');
  const [{ locale } = { locale: 'en' as Locale }] = subjects;
  if (reminders.length === messages.length)
    return sentAs(
      soundOf('reminder_several', locale, wording, (words) => subscriptionsExpiring(reminders, now, locale, words)),
    );
  if (ended.length === messages.length)
    return sentAs(soundOf('expired_several', locale, wording, (words) => subscriptionsExpired(ended, locale, words)));
  return undefined;
}

type Sound = { html: Html; builtIn: () => Html; own: OwnText | undefined; why: string | undefined };

const sound = (subject: Subject, now: Date, wording: Wording): Sound =>
  soundOf(NAMES[subject.kind], subject.locale, wording, (words) => written(subject, now, words));

/** In the owner's words where these make a message that Telegram takes. */
function soundOf(name: TextName, locale: Locale, wording: Wording, write: (words: Wording) => Html): Sound {
  const own = wording.own(name, locale);
  const builtIn = (): Html => write(wording.builtIn);
  if (!own) return { html: write(wording), builtIn, own, why: undefined };
  const html = write(wording);
  const why = unsendable(html.toString());
  return { html: why === undefined ? html : builtIn(), builtIn, own, why };
}

function sentAs({ builtIn, html, own, why }: Sound): CurrentText {
  const text = html.toString();
  if (!own) return { text };
  return why === undefined ? { text, instead: { own, text: builtIn().toString() } } : { text, broken: { own, why } };
}

const NAMES: Readonly<Record<Subject['kind'], TextName>> = {
  reminder: 'reminder',
  traffic: 'traffic_used_up',
  expired: 'expired',
  reset: 'traffic_reset',
  renewal: 'renewal_invoice',
  receipt: 'payment_received',
  unpaid: 'payment_failed',
  late: 'payment_late',
};

function written(subject: Subject, now: Date, wording: Wording): Html {
  const { locale } = subject;
  switch (subject.kind) {
    case 'reminder':
      return subscriptionExpiring(subject, now, locale, wording);
    case 'traffic':
      return trafficUsedUp(subject, locale, wording);
    case 'expired':
      return subscriptionExpired(subject, locale, wording);
    case 'reset':
      return trafficReset(locale, wording);
    case 'renewal':
      return autoRenewInvoice(subject, locale, { at: now, wording });
    case 'receipt':
      return paymentReceived(subject, locale, { at: now, wording });
    case 'unpaid':
      return paymentFailed(subject, locale, { wording });
    case 'late':
      return paymentLate(subject, locale, { wording });
  }
}

function asText(value: string | number | Date | { amount: string; currency: string }): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? `${value.amount} ${value.currency}` : String(value);
}
