import { PermanentError, TransientError } from '../lib/errors.ts';
import { FIAT_CURRENCIES } from '../lib/money.ts';
import { type Invoice, isInvoiceId } from './cryptobot/invoice.ts';
import { SIGNATURE_HEADER, signBody } from './cryptobot/webhook.ts';
import type { ClientPolicy } from './policy.ts';

export type BackendOptions = {
  baseUrl: string;
  /** Signs the webhooks in place of Crypto Pay. The backend knows the same token. */
  cryptobotToken: string;
  policy: ClientPolicy;
};

/** The outcomes of an invoice, in the words of the backend's webhook route. */
export type InvoiceEvent = 'invoice_paid' | 'invoice_expired';

const ENDPOINT = '/api/v1/webhooks/cryptobot';
const METHOD_NOT_ALLOWED = 405;

/**
 * The platform's backend. It has no route to complete one payment, so the client sends it a webhook of Crypto Pay with a valid signature.
 * The backend then does the rest: commissions, wallet, orders. Telling it twice does no harm.
 */
export class BackendClient {
  readonly #options: BackendOptions;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  /** Resolves when the backend has accepted the event. Rejects with `PermanentError` when it refuses, else with `TransientError`. */
  async tell(event: InvoiceEvent, invoice: Pick<Invoice, 'id' | 'price'>, signal: AbortSignal): Promise<void> {
    const body = bodyOf(event, invoice);
    await this.#options.policy.call({ endpoint: ENDPOINT, signal }, (limited) => this.#send(body, limited));
  }

  /** Checks that the webhook route exists without sending an event: the route answers a GET with 405. Rejects as `tell` does. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#options.policy.call({ endpoint: ENDPOINT, signal, idempotent: true }, async (limited) => {
      const response = await this.#answer(`${this.#options.baseUrl}${ENDPOINT}`, {
        redirect: 'manual',
        signal: limited,
      });
      await response.arrayBuffer();
      if (response.status === METHOD_NOT_ALLOWED || response.ok) return;
      const at = `backend ${ENDPOINT}: ${response.status}`;
      if (response.status >= 500) throw new TransientError('backend_unavailable', at);
      throw new PermanentError('backend_no_route', `${at}: there is no such route`);
    });
  }

  async #send(body: Buffer, signal: AbortSignal): Promise<void> {
    const { baseUrl, cryptobotToken } = this.#options;
    const response = await this.#answer(`${baseUrl}${ENDPOINT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signBody(body, cryptobotToken) },
      body: new Uint8Array(body),
      redirect: 'manual',
      signal,
    });
    await response.arrayBuffer();
    if (response.ok) return;
    const at = `backend ${ENDPOINT}: ${response.status}`;
    const details = { status: response.status };
    if (response.status >= 500 || response.status === 429) {
      throw Object.assign(new TransientError('backend_unavailable', at), details);
    }
    const advice = 'check BACKEND_API_URL, and that backend and worker have the same CRYPTOBOT_TOKEN';
    throw Object.assign(new PermanentError('backend_refused', `${at}; ${advice}`), details);
  }

  async #answer(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (init.signal?.aborted || !(error instanceof Error)) throw error;
      const reason = error.cause instanceof Error ? error.cause.message : error.message;
      throw new TransientError('backend_unreachable', `backend ${ENDPOINT}: no answer: ${reason}`, { cause: error });
    }
  }
}

/** An update in Crypto Pay's form, with the fields that the backend reads. */
function bodyOf(event: InvoiceEvent, { id, price }: Pick<Invoice, 'id' | 'price'>): Buffer {
  if (!isInvoiceId(id)) throw new PermanentError('backend_invoice_id', `backend: ${id.slice(0, 40)} is no invoice id`);
  const update = {
    // One number per invoice and event, so that the backend recognises a repeated delivery.
    update_id: Number(BigInt(id) % 1_000_000_007n),
    update_type: event,
    request_date: new Date().toISOString(),
    payload: {
      invoice_id: Number.isSafeInteger(Number(id)) ? Number(id) : id,
      status: event === 'invoice_paid' ? 'paid' : 'expired',
      ...(FIAT_CURRENCIES.has(price.currency)
        ? { currency_type: 'fiat', fiat: price.currency }
        : { currency_type: 'crypto', asset: price.currency }),
      amount: price.amount,
    },
  };
  return Buffer.from(JSON.stringify(update));
}
