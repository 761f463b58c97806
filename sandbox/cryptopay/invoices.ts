import { z } from 'zod';

/** An invoice in its form on the wire (https://help.crypt.bot/crypto-pay-api#Invoice). Absent fields are absent, not null. */
export type WireInvoice = {
  invoice_id: number;
  hash: string;
  currency_type: 'crypto' | 'fiat';
  asset?: string;
  fiat?: string;
  amount: string;
  paid_asset?: string;
  paid_amount?: string;
  bot_invoice_url: string;
  mini_app_invoice_url: string;
  web_app_invoice_url: string;
  description?: string;
  payload?: string;
  status: 'active' | 'paid' | 'expired';
  created_at: string;
  expiration_date?: string;
  paid_at?: string;
};

const ASSETS = ['USDT', 'TON', 'BTC', 'ETH', 'LTC', 'BNB', 'TRX', 'USDC'];
const FIATS = 'USD EUR RUB BYN UAH GBP CNY KZT UZS GEL TRY AMD THB INR BRL IDR AZN AED PLN ILS'.split(' ');

/** 31 days, the most that `expires_in` takes. */
const MAX_EXPIRES_IN_SECONDS = 2_678_400;

/**
 * The parameters of `createInvoice`. Each field carries the name of the error for a wrong value: `EXPIRES_IN_INVALID` is known from the
 * field, the others follow its form.
 */
export const CreateInvoice = z.object({
  currency_type: z.enum(['crypto', 'fiat']).default('crypto').meta({ error: 'CURRENCY_TYPE_INVALID' }),
  asset: z.enum(ASSETS).optional().meta({ error: 'ASSET_INVALID' }),
  fiat: z.enum(FIATS).optional().meta({ error: 'FIAT_INVALID' }),
  amount: z
    .string()
    .regex(/^\d+(\.\d+)?$/)
    .regex(/[1-9]/)
    .meta({ error: 'AMOUNT_INVALID' }),
  description: z.string().max(1024).optional().meta({ error: 'DESCRIPTION_INVALID' }),
  payload: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= 4096)
    .optional()
    .meta({ error: 'PAYLOAD_INVALID' }),
  expires_in: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_EXPIRES_IN_SECONDS)
    .optional()
    .meta({ error: 'EXPIRES_IN_INVALID' }),
});

export type NewInvoice = z.output<typeof CreateInvoice>;

/** All invoices of the sandbox. Invoices expire when they are read, by the sandbox's clock. */
export class InvoiceStore {
  readonly #now: () => Date;
  readonly #invoices = new Map<number, WireInvoice>();
  #nextId = 10_001;

  constructor(now: () => Date) {
    this.#now = now;
  }

  create(wanted: NewInvoice): WireInvoice {
    const now = this.#now();
    const id = this.nextId();
    const { currency_type, asset, fiat, amount, description, payload, expires_in } = wanted;
    return this.put({
      ...template(id),
      currency_type,
      ...(currency_type === 'fiat' ? { fiat: fiat! } : { asset: asset! }),
      amount,
      ...(description !== undefined && { description }),
      ...(payload !== undefined && { payload }),
      status: 'active',
      created_at: now.toISOString(),
      ...(expires_in !== undefined && { expiration_date: new Date(now.getTime() + expires_in * 1000).toISOString() }),
    });
  }

  nextId(): number {
    return this.#nextId;
  }

  /** Stores an invoice unchanged, replacing one of the same id. Later ids are higher. */
  put(invoice: WireInvoice): WireInvoice {
    this.#nextId = Math.max(this.#nextId, invoice.invoice_id + 1);
    this.#invoices.set(invoice.invoice_id, invoice);
    return invoice;
  }

  get(id: number): WireInvoice | undefined {
    const invoice = this.#invoices.get(id);
    const due = invoice?.status === 'active' && invoice.expiration_date !== undefined;
    if (due && Date.parse(invoice.expiration_date!) <= this.#now().getTime()) invoice.status = 'expired';
    return invoice;
  }

  /** A deleted invoice is listed no more and cannot be paid. */
  delete(id: number): void {
    this.#invoices.delete(id);
  }

  /** Newest first, as Crypto Pay lists them. */
  list(): WireInvoice[] {
    return [...this.#invoices.keys()].sort((a, b) => b - a).map((id) => this.get(id)!);
  }
}

/** The fields that every invoice has and nobody tests. */
export function template(id: number) {
  const hash = `IV${id.toString(36).padStart(10, '0')}`;
  return {
    invoice_id: id,
    hash,
    bot_invoice_url: `https://t.me/CryptoTestnetBot?start=${hash}`,
    mini_app_invoice_url: `https://t.me/CryptoTestnetBot/app?startapp=invoice-${hash}`,
    web_app_invoice_url: `https://testnet-app.send.tg/invoices/${hash}`,
  };
}
