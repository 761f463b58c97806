import { z } from 'zod';
import { errorMessage } from '../../lib/errors.ts';
import { type Money, money } from '../../lib/money.ts';
import type { ItemKind } from '../../lib/read-each.ts';

/** A Crypto Pay invoice, as far as we need it (https://help.crypt.bot/crypto-pay-api#Invoice). */
export type Invoice = {
  /** Digits, as `payments.external_id` holds them. */
  id: string;
  /** `active`, `paid`, `expired`, or a word that we do not know: then nothing is known of the invoice. */
  status: string;
  /** The price: in a coin or in a fiat currency. */
  price: Money;
  /** The amount that was really paid, in a coin of the payer's choice where the price is in fiat. */
  paid: Money | undefined;
  /** Where the customer pays. Absent where the answer has no link: it is needed only of an invoice that was just made. */
  payUrl: string | undefined;
  /** What the creator of the invoice wrote into it; the customer never sees it. */
  payload: string | undefined;
  expiresAt: Date | undefined;
  paidAt: Date | undefined;
};

const INVOICE_ID = /^\d{1,20}$/;

/** Whether this text can be the id of an invoice: one that cannot would spoil the request for all others. */
export function isInvoiceId(text: string): boolean {
  return INVOICE_ID.test(text);
}

const Time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** No decision needs these: a wrong value counts as absent. */
const soft = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined);

const Text = soft(z.string());

const common = {
  invoice_id: z.string().regex(INVOICE_ID),
  status: z.string().min(1),
  amount: z.string(),
  paid_asset: Text,
  paid_amount: Text,
  mini_app_invoice_url: Text,
  bot_invoice_url: Text,
  web_app_invoice_url: Text,
  pay_url: Text,
  payload: Text,
  expiration_date: soft(Time),
  paid_at: soft(Time),
};

/** Reads what `parseExactJson` returned: amounts and ids are text there, also where they were numbers on the wire. */
export const InvoiceSchema = z
  .discriminatedUnion('currency_type', [
    z.object({ currency_type: z.literal('crypto'), asset: z.string(), ...common }),
    z.object({ currency_type: z.literal('fiat'), fiat: z.string(), ...common }),
  ])
  .transform((wire, context): Invoice => {
    const currency = wire.currency_type === 'fiat' ? wire.fiat : wire.asset;
    return {
      id: wire.invoice_id,
      status: wire.status,
      price: readMoney('amount', wire.amount, currency, context),
      // A price in fiat is paid in any coin, also in one that nobody knows here: what it was is not asked. A price in a coin is.
      paid: paidIn(wire, context),
      payUrl: payUrlOf(wire),
      payload: wire.payload ?? undefined,
      expiresAt: wire.expiration_date ?? undefined,
      paidAt: wire.paid_at ?? undefined,
    };
  });

/** Invoices of a list. Their payload names the payment that they are for. */
export const invoices: ItemKind<Invoice> = {
  source: 'cryptobot_invoices',
  schema: InvoiceSchema,
  names: ['invoice_id', 'payload'],
};

/** A value that is no money becomes an issue at its own field. */
function readMoney(field: string, amount: string, currency: string, context: z.RefinementCtx): Money {
  try {
    return money(amount, currency);
  } catch (error) {
    context.addIssue({ code: 'custom', path: [field], message: errorMessage(error) });
    return z.NEVER;
  }
}

type Links = { [name in (typeof LINKS)[number]]?: string | null | undefined };

/** The platform's order of preference; `pay_url` is the former name of `bot_invoice_url`. */
const LINKS = ['mini_app_invoice_url', 'bot_invoice_url', 'web_app_invoice_url', 'pay_url'] as const;

function payUrlOf(links: Links): string | undefined {
  const name = LINKS.find((one) => links[one]);
  return name && (links[name] ?? undefined);
}

type Handed = { currency_type: 'crypto' | 'fiat' } & {
  [field in 'paid_amount' | 'paid_asset']?: string | null | undefined;
};

function paidIn(wire: Handed, context: z.RefinementCtx): Money | undefined {
  const { paid_amount: amount, paid_asset: asset } = wire;
  if (!amount || !asset) return undefined;
  if (wire.currency_type === 'crypto') return readMoney('paid_amount', amount, asset, context);
  try {
    return money(amount, asset);
  } catch {
    return undefined;
  }
}

/** Numbers that must keep every digit: money, and ids that may outgrow 2^53. */
const EXACT = /(?:^|_)(?:amount|id)$/;

/** `JSON.parse`, but ids and amounts come out as the text they were written in, quoted or not. Throws `SyntaxError`. */
export function parseExactJson(text: string): unknown {
  const keepDigits = (key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && EXACT.test(key) ? (context?.source ?? String(value)) : value;
  return JSON.parse(text, keepDigits);
}
