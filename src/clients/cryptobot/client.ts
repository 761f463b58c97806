import { z } from 'zod';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import { FIAT_CURRENCIES, type Money } from '../../lib/money.ts';
import { type Hole, type Listing, type OnRead, readEach } from '../../lib/read-each.ts';
import { withoutSlashes } from '../../lib/without-slashes.ts';
import type { ClientPolicy } from '../policy.ts';
import { type CryptoPayAnswer, cryptoPayError, misfit } from './errors.ts';
import { type Invoice, InvoiceSchema, invoices, isInvoiceId, parseExactJson } from './invoice.ts';

/** Crypto Pay's two networks; a token belongs to one of them. */
const CRYPTO_PAY_URLS = {
  mainnet: 'https://pay.crypt.bot/',
  testnet: 'https://testnet-pay.crypt.bot/',
} as const;

/** The coins of Crypto Pay (https://help.crypt.bot/crypto-pay-api#createInvoice, `asset`). */
const COINS: ReadonlySet<string> = new Set('USDT TON BTC ETH LTC BNB TRX USDC'.split(' '));

/** Whether an invoice can ask for this currency. */
export function isPayable(currency: string): boolean {
  return FIAT_CURRENCIES.has(currency) || COINS.has(currency);
}

/** Invoices in one answer, at most: https://help.crypt.bot/crypto-pay-api#getInvoices. Without `count` it would be 100. */
const PAGE_SIZE = 1_000;

export type CryptoBotOptions = {
  token: string;
  /** Mainnet by default. With or without the closing `/api/`. */
  baseUrl?: string;
  /** With a time limit of 15 s: Crypto Pay answers in well under 1 s. */
  policy: ClientPolicy;
  /** Told of every list that was read, and of what was left out of it. */
  onRead?: OnRead | undefined;
};

/** An invoice that is listed and cannot be read. */
export type InvoiceHole = { hole: Hole; payload: string | undefined };

export type NewInvoice = {
  /** A fiat price is paid in any coin, at the rate of the moment; a price in a coin in that coin. */
  price: Money;
  /** Shown to the customer, up to 1024 characters. */
  description: string;
  /** Up to 4 KiB, comes back with every reading of the invoice. */
  payload?: string;
  /** From 1 to 2,678,400 (31 days). Without it the invoice never expires. */
  expiresInSeconds?: number;
};

const App = z.object({ app_id: z.string(), name: z.string(), payment_processing_bot_username: z.string().optional() });
const Envelope = z.object({ ok: z.literal(true), result: z.unknown() });
const Invoices = z.object({ items: z.array(z.unknown()) });

/** A new invoice must say where it is paid, because the customer gets that link. */
const NewInvoiceAnswer = InvoiceSchema.transform((invoice, context) => {
  if (invoice.payUrl !== undefined) return { ...invoice, payUrl: invoice.payUrl };
  context.addIssue({ code: 'custom', path: ['bot_invoice_url'], message: 'no link to pay at' });
  return z.NEVER;
});

/** An invoice with a link to pay at. */
export type PayableInvoice = Invoice & { payUrl: string };

/**
 * Crypto Pay. Rejects with `CryptoPayRefusal` (permanent), `CryptoPayFailure` or `TransientError` (code `cryptobot_schema`
 * where an answer does not fit, naming the field). The token is in no error.
 */
export class CryptoBotClient {
  readonly #baseUrl: string;
  readonly #token: string;
  readonly #policy: ClientPolicy;
  readonly #onRead: OnRead | undefined;

  constructor(options: CryptoBotOptions) {
    // fetch would quote a token that is no header value in its error.
    if (!/^[\x21-\x7e]+$/.test(options.token)) {
      const message =
        'cryptobot: CRYPTOBOT_TOKEN is empty or has spaces, line ends or other characters that no token has';
      throw new PermanentError('cryptobot_unauthorized', message);
    }
    this.#token = options.token;
    const address = withoutSlashes(options.baseUrl ?? CRYPTO_PAY_URLS.mainnet);
    this.#baseUrl = `${address.endsWith('/api') ? address : `${address}/api`}/`;
    this.#policy = options.policy;
    this.#onRead = options.onRead;
  }

  /** Whose token this is. Changes nothing, so it serves as the health check. */
  async getMe(signal: AbortSignal): Promise<{ appId: string; name: string }> {
    const app = await this.#call('getMe', {}, App, { signal, idempotent: true });
    return { appId: app.app_id, name: app.name };
  }

  /** A fresh invoice. After a `TransientError` it may exist anyway: look for its payload before asking again. */
  async createInvoice(invoice: NewInvoice, signal: AbortSignal): Promise<PayableInvoice> {
    const { amount, currency } = invoice.price;
    const body = {
      ...(FIAT_CURRENCIES.has(currency)
        ? { currency_type: 'fiat', fiat: currency }
        : { currency_type: 'crypto', asset: currency }),
      amount,
      description: invoice.description,
      payload: invoice.payload,
      expires_in: invoice.expiresInSeconds,
    };
    return await this.#call('createInvoice', body, NewInvoiceAnswer, { signal });
  }

  /**
   * Deletes an open invoice, so that nobody can pay it. Rejects with `CryptoPayRefusal` for one that is paid or unknown. After a
   * `TransientError` it may be deleted anyway: read the invoice before judging.
   */
  async deleteInvoice(id: string, signal: AbortSignal): Promise<void> {
    const number = Number(id);
    const body = { invoice_id: Number.isSafeInteger(number) ? number : id };
    await this.#call('deleteInvoice', body, z.literal(true), { signal });
  }

  /**
   * Those of these invoices that exist, in groups of 1000, in no certain order. One that cannot be read is among the holes: it exists,
   * and nothing is known of it. Throws `PermanentError` for an id that is
   * not all digits (`isInvoiceId`), before anything is asked.
   */
  async getInvoices(ids: readonly string[], signal: AbortSignal): Promise<Listing<Invoice>> {
    const odd = ids.find((id) => !isInvoiceId(id));
    if (odd !== undefined) {
      const message = `cryptobot getInvoices: ${JSON.stringify(odd.slice(0, 40))} is no invoice id; expected 1 to 20 digits`;
      throw new PermanentError('cryptobot_invoice_id', message);
    }
    const unique = [...new Set(ids)];
    const found: Listing<Invoice> = { items: [], holes: [] };
    for (let from = 0; from < unique.length; from += PAGE_SIZE) {
      const group = unique.slice(from, from + PAGE_SIZE);
      const page = this.#read(await this.#page({ invoice_ids: group.join(','), count: group.length }, signal));
      found.items.push(...page.items);
      found.holes.push(...page.holes);
    }
    return found;
  }

  /**
   * All invoices of a status, page by page, each once, although new ones that come in meanwhile shift the pages. One that cannot be read
   * comes as a hole, with its payload where it has one.
   */
  async *listInvoices(
    options: { status?: 'active' | 'paid'; pageSize?: number },
    signal: AbortSignal,
  ): AsyncGenerator<Invoice | InvoiceHole> {
    const { status, pageSize = PAGE_SIZE } = options;
    const seen = new Set<string>();
    let page: unknown[];
    for (let offset = 0; ; offset += page.length) {
      page = await this.#page({ status, offset, count: pageSize }, signal);
      const { holes, items } = this.#read(page);
      for (const invoice of items) {
        if (!seen.has(invoice.id)) yield invoice;
        seen.add(invoice.id);
      }
      for (const hole of holes) yield { hole, payload: hole.ids.payload };
      if (page.length < pageSize) return;
    }
  }

  async #page(body: object, signal: AbortSignal): Promise<unknown[]> {
    const { items } = await this.#call('getInvoices', body, Invoices, { signal, idempotent: true });
    return items;
  }

  #read(page: readonly unknown[]): Listing<Invoice> {
    return readEach(page, invoices, this.#onRead);
  }

  /** The answer is parsed outside the policy: one that does not fit must not open the breaker for everything else. */
  async #call<T>(
    method: string,
    body: object,
    schema: z.ZodType<T>,
    options: { signal: AbortSignal; idempotent?: boolean },
  ): Promise<T> {
    const result = await this.#policy.call({ endpoint: method, ...options }, (signal) =>
      this.#exchange(method, body, signal),
    );
    const parsed = schema.safeParse(result);
    if (!parsed.success) throw misfit(`cryptobot ${method}: the answer`, parsed.error);
    return parsed.data;
  }

  async #exchange(method: string, body: object, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#send(method, body, signal);
    const envelope = Envelope.safeParse(answer.body);
    if (!envelope.success || answer.status >= 300) throw cryptoPayError(method, answer);
    return envelope.data.result;
  }

  async #send(method: string, body: object, signal: AbortSignal): Promise<CryptoPayAnswer> {
    try {
      const response = await fetch(this.#baseUrl + method, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'crypto-pay-api-token': this.#token },
        body: JSON.stringify(body),
        // A redirect would carry the token to another host.
        redirect: 'manual',
        signal,
      });
      const { status, headers } = response;
      return { status, retryAfter: headers.get('retry-after'), body: parseOrNothing(await response.text()) };
    } catch (error) {
      if (signal.aborted || !(error instanceof Error)) throw error;
      const reason = error.cause instanceof Error ? error.cause.message : error.message;
      throw new TransientError('cryptobot_unreachable', `cryptobot ${method}: no answer: ${reason}`, { cause: error });
    }
  }
}

/** A proxy's page is no JSON; `errorOf` then judges by the status alone. */
function parseOrNothing(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
