import { InvoiceStore, template, type WireInvoice } from './invoices.ts';
import { type Delivery, type DeliveryOptions, WebhookSender } from './webhooks.ts';

/** One call of the API, as it came in. */
export type Call = { method: string; fields: Record<string, unknown>; at: string };

export type PayOptions = {
  /** By default the invoice's own asset; a fiat price is paid in USDT at one for one. */
  paid_asset?: string | undefined;
  paid_amount?: string | undefined;
  /** `false`: no webhook is sent, so that only polling finds the payment, or `deliver` sends it later and in any order. */
  webhook?: DeliveryOptions | false | undefined;
};

/** An invoice of any id, amount and state. */
export type PutOptions = {
  amount: string;
  asset?: string | undefined;
  fiat?: string | undefined;
  id?: number | undefined;
  status?: WireInvoice['status'] | undefined;
  payload?: string | undefined;
  created_at?: string | undefined;
  expiration_date?: string | undefined;
  paid_at?: string | undefined;
};

/** The invoice does not exist. */
export class NoSuchInvoice extends Error {
  override name = 'NoSuchInvoice';
}

/** The state behind the sandbox's API, and the actions of tests in the place of a customer. */
export class CryptoPayWorld {
  readonly token: string;
  readonly store: InvoiceStore;
  readonly webhooks: WebhookSender;
  readonly calls: Call[] = [];
  /** Runs between the arrival of a call and its answer: what a customer does at that very moment. */
  onCall: ((method: string) => void) | undefined;
  readonly #clock: () => Date;
  #aheadMs = 0;

  constructor(options: { token: string; webhookUrl: string | undefined; clock: () => Date }) {
    this.token = options.token;
    this.#clock = options.clock;
    const now = () => this.now();
    this.store = new InvoiceStore(now);
    this.webhooks = new WebhookSender({ token: options.token, url: options.webhookUrl, now });
  }

  now(): Date {
    return new Date(this.#clock().getTime() + this.#aheadMs);
  }

  /** Moves the clock of the sandbox forward. */
  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  invoice(id: number): WireInvoice {
    const invoice = this.store.get(id);
    if (!invoice) throw new NoSuchInvoice(`no invoice ${id}`);
    return invoice;
  }

  /** Pays it in any state and sends the webhook. Resolves with the webhook's answers. */
  async pay(id: number, options: PayOptions = {}): Promise<Delivery[]> {
    const invoice = this.invoice(id);
    invoice.status = 'paid';
    invoice.paid_at = this.now().toISOString();
    invoice.paid_asset = options.paid_asset ?? invoice.asset ?? 'USDT';
    invoice.paid_amount = options.paid_amount ?? invoice.amount;
    return options.webhook === false ? [] : await this.webhooks.deliver(invoice, options.webhook);
  }

  /** Lets an active invoice run out now. Crypto Pay sends no webhook for that. */
  expire(id: number): WireInvoice {
    const invoice = this.invoice(id);
    invoice.status = 'expired';
    invoice.expiration_date = this.now().toISOString();
    return invoice;
  }

  put(wanted: PutOptions): WireInvoice {
    const { id = this.store.nextId(), asset, fiat, status = 'active', amount, payload, expiration_date } = wanted;
    const invoice: WireInvoice = {
      ...template(id),
      currency_type: fiat === undefined ? 'crypto' : 'fiat',
      ...(fiat === undefined ? { asset: asset ?? 'USDT' } : { fiat }),
      amount,
      ...(payload !== undefined && { payload }),
      status: 'active',
      created_at: wanted.created_at ?? this.now().toISOString(),
      ...(expiration_date !== undefined && { expiration_date }),
    };
    this.store.put(invoice);
    if (status === 'expired') this.expire(id);
    if (status === 'paid') void this.pay(id, { webhook: false });
    if (expiration_date !== undefined) invoice.expiration_date = expiration_date;
    if (wanted.paid_at !== undefined) invoice.paid_at = wanted.paid_at;
    return invoice;
  }

  /** Puts odd values into an invoice, as they go over the wire: an unknown asset or status, null where text belongs. */
  spoil(id: number, fields: Readonly<Record<string, unknown>>): void {
    this.store.put({ ...this.invoice(id), ...fields });
  }

  /** Sends an update for each of these invoices, one after the other: in the given order, which may differ from that of payment. */
  async deliver(ids: readonly number[], options: DeliveryOptions = {}): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    for (const id of ids) deliveries.push(...(await this.webhooks.deliver(this.invoice(id), options)));
    return deliveries;
  }
}
