import { z } from 'zod';
import { errorMessage } from '../../lib/errors.ts';
import { type Money, money } from '../../lib/money.ts';

/** A Crypto Pay invoice, as far as we need it (https://help.crypt.bot/crypto-pay-api#Invoice). */
export type Invoice = {
  /** Digits, as `payments.external_id` holds them. */
  id: string;
  status: 'active' | 'paid' | 'expired';
  /** What was asked for: a coin or a fiat currency. */
  price: Money;
  /** What was really handed over, in a coin of the payer's choice where the price is in fiat. */
  paid: Money | undefined;
  /** Where the customer pays. */
  payUrl: string;
  /** What the creator of the invoice wrote into it; the customer never sees it. */
  payload: string | undefined;
  createdAt: Date;
  expiresAt: Date | undefined;
  paidAt: Date | undefined;
};

const INVOICE_ID = /^\d{1,20}$/;

/** Whether this text can be the id of an invoice: one that can not would spoil the request for all others. */
export function isInvoiceId(text: string): boolean {
  return INVOICE_ID.test(text);
}

const Time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const Text = z.string().nullish();

const common = {
  invoice_id: z.string().regex(INVOICE_ID),
  status: z.enum(['active', 'paid', 'expired']),
  amount: z.string(),
  paid_asset: Text,
  paid_amount: Text,
  mini_app_invoice_url: Text,
  bot_invoice_url: Text,
  web_app_invoice_url: Text,
  pay_url: Text,
  payload: Text,
  created_at: Time,
  expiration_date: Time.nullish(),
  paid_at: Time.nullish(),
};

/** Reads what `parseExactJson` returned: amounts and ids are text there, whatever they were on the wire. */
export const InvoiceSchema = z
  .discriminatedUnion('currency_type', [
    z.object({ currency_type: z.literal('crypto'), asset: z.string(), ...common }),
    z.object({ currency_type: z.literal('fiat'), fiat: z.string(), ...common }),
  ])
  .transform((wire, context): Invoice => {
    const currency = wire.currency_type === 'fiat' ? wire.fiat : wire.asset;
    const { paid_amount, paid_asset } = wire;
    return {
      id: wire.invoice_id,
      status: wire.status,
      price: readMoney('amount', wire.amount, currency, context),
      paid: paid_amount && paid_asset ? readMoney('paid_amount', paid_amount, paid_asset, context) : undefined,
      payUrl: payUrlOf(wire, context),
      payload: wire.payload ?? undefined,
      createdAt: wire.created_at,
      expiresAt: wire.expiration_date ?? undefined,
      paidAt: wire.paid_at ?? undefined,
    };
  });

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

function payUrlOf(links: Links, context: z.RefinementCtx): string {
  const name = LINKS.find((one) => links[one]);
  if (name) return links[name]!;
  context.addIssue({ code: 'custom', path: ['bot_invoice_url'], message: 'no link to pay at' });
  return z.NEVER;
}

/** Numbers that must keep every digit: money, and ids that may outgrow 2^53. */
const EXACT = /(?:^|_)(?:amount|id)$/;

/** `JSON.parse`, but ids and amounts come out as the text they were written in, quoted or not. Throws `SyntaxError`. */
export function parseExactJson(text: string): unknown {
  const keepDigits = (key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && EXACT.test(key) ? (context?.source ?? String(value)) : value;
  return JSON.parse(text, keepDigits);
}
