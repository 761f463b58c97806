import { z } from 'zod';
import type { Html } from '../lib/html.ts';
import { PURCHASE_KINDS } from '../lib/purchase.ts';
import { autoRenewInvoice, paymentFailed, paymentLate, paymentReceived } from './payments.ts';
import { readRow, withFacts } from './row-facts.ts';
import { subscriptionExpiring, trafficUsedUp } from './subscriptions.ts';

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
export function queuedText(subject: Subject, now: Date): string {
  const facts = Object.entries(subject).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, asText(value)]],
  );
  return withFacts(written(subject, now), Object.fromEntries(facts));
}

/** What a row is about; undefined where it does not say so in a way that we know. */
export function queuedSubject(message: string): Subject | undefined {
  const { facts } = readRow(message);
  return facts && Subject.safeParse(facts).data;
}

/** The text of a row as it is to be sent now: with today's distances and dates, where it says what it is about. */
export function currentText(message: string, now: Date): string {
  const { facts, text } = readRow(message);
  const subject = facts && Subject.safeParse(facts).data;
  return subject ? written(subject, now).toString() : text;
}

function written(subject: Subject, now: Date): Html {
  switch (subject.kind) {
    case 'reminder':
      return subscriptionExpiring(subject, now, subject.locale);
    case 'traffic':
      return trafficUsedUp(subject, subject.locale);
    case 'renewal':
      return autoRenewInvoice(subject, subject.locale, now);
    case 'receipt':
      return paymentReceived(subject, subject.locale, now);
    case 'unpaid':
      return paymentFailed(subject, subject.locale);
    case 'late':
      return paymentLate(subject, subject.locale);
  }
}

function asText(value: string | number | Date | { amount: string; currency: string }): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? `${value.amount} ${value.currency}` : String(value);
}
