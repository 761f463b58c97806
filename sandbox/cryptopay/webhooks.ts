import { signBody } from '../../src/clients/cryptobot/webhook.ts';
import type { WireInvoice } from './invoices.ts';

export type DeliveryOptions = {
  update_type?: string | undefined;
  /** The number of copies, sent at the same time with the same update id. */
  copies?: number | undefined;
  /** The delay of the send; the call returns at once. */
  delay_ms?: number | undefined;
  /**
   * `signature`: a signature under another token. `missing`: none. `body`: signed, then the amount changed. `rubbish`: no hex.
   */
  forged?: 'signature' | 'missing' | 'body' | 'rubbish' | undefined;
};

/** One webhook request and its answer. */
export type Delivery = {
  update_id: number;
  update_type: string;
  invoice_id: number;
  forged: DeliveryOptions['forged'] | null;
  at: string;
  /** `null` while it is in progress, and where there was no answer. */
  status: number | null;
  /** The answer's body, or the reason that there was none. */
  answer: string | null;
  took_ms: number | null;
};

/** Sends signed updates to the worker's webhook route and keeps the answers. */
export class WebhookSender {
  readonly deliveries: Delivery[] = [];
  readonly #token: string;
  readonly #now: () => Date;
  readonly #pending = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #nextUpdateId = 1;
  url: string | undefined;

  constructor(options: { token: string; url: string | undefined; now: () => Date }) {
    this.#token = options.token;
    this.#now = options.now;
    this.url = options.url;
  }

  /** Sends all copies of one update. Resolves when all are answered, or at once where they have a delay. */
  async deliver(invoice: WireInvoice, options: DeliveryOptions = {}): Promise<Delivery[]> {
    if (this.url === undefined) return [];
    const url = this.url;
    const updateId = this.#nextUpdateId++;
    // The body holds the present state of the invoice, however late it arrives.
    const body = this.#body(updateId, invoice, options.update_type ?? 'invoice_paid');
    const sendAll = () =>
      Promise.all(Array.from({ length: options.copies ?? 1 }, () => this.#send(url, updateId, body, invoice, options)));
    if (!options.delay_ms) return await sendAll();
    const late = this.#sleep(options.delay_ms).then(async () => {
      if (!this.#stopped.signal.aborted) await sendAll();
    });
    this.#pending.add(late);
    void late.finally(() => this.#pending.delete(late));
    return [];
  }

  /** Resolves when all delayed deliveries are answered. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.settled();
  }

  #body(updateId: number, invoice: WireInvoice, type: string): Buffer {
    const update = {
      update_id: updateId,
      update_type: type,
      request_date: this.#now().toISOString(),
      payload: invoice,
    };
    return Buffer.from(JSON.stringify(update));
  }

  async #send(
    url: string,
    updateId: number,
    body: Buffer,
    invoice: WireInvoice,
    options: DeliveryOptions,
  ): Promise<Delivery> {
    const startedAt = performance.now();
    const delivery: Delivery = {
      update_id: updateId,
      update_type: options.update_type ?? 'invoice_paid',
      invoice_id: invoice.invoice_id,
      forged: options.forged ?? null,
      at: this.#now().toISOString(),
      status: null,
      answer: null,
      took_ms: null,
    };
    this.deliveries.push(delivery);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.#signature(body, options.forged) },
        body: new Uint8Array(options.forged === 'body' ? otherAmount(body) : body),
        signal: this.#stopped.signal,
      });
      delivery.answer = await response.text();
      delivery.status = response.status;
    } catch (error) {
      delivery.answer = String((error as Error).cause ?? error);
    }
    delivery.took_ms = performance.now() - startedAt;
    return delivery;
  }

  #signature(body: Buffer, forged: DeliveryOptions['forged']): Record<string, string> {
    if (forged === 'missing') return {};
    if (forged === 'rubbish') return { 'crypto-pay-api-signature': 'not-hex' };
    return { 'crypto-pay-api-signature': signBody(body, forged === 'signature' ? `not-${this.#token}` : this.#token) };
  }

  /** Ends early when the sandbox stops. */
  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stopped.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function otherAmount(body: Buffer): Buffer {
  return Buffer.from(body.toString('utf8').replace(/"amount":"/, '"amount":"9'));
}
