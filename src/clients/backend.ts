import { seconds } from '../lib/duration.ts';
import { PermanentError, TransientError } from '../lib/errors.ts';
import { FIAT_CURRENCIES } from '../lib/money.ts';
import { type Invoice, isInvoiceId } from './cryptobot/invoice.ts';
import { SIGNATURE_HEADER, signBody } from './cryptobot/webhook.ts';
import type { ClientPolicy } from './policy.ts';

export type BackendOptions = {
  baseUrl: string;
  /** Signs the webhooks in place of Crypto Pay. The backend knows the same token. */
  cryptobotToken: string;
  /** A telling is given up after this time; then the row says whether the work was done. */
  callMs: number;
  /** Its time limit must be longer than `callMs`. */
  policy: ClientPolicy;
};

/** The outcomes of an invoice, in the words of the backend's webhook route. */
export type InvoiceEvent = 'invoice_paid' | 'invoice_expired';

export type TellOptions = {
  signal: AbortSignal;
  /** Whether the backend has done what it was told. Asked where there was no answer, or a 5xx. */
  isDone(): Promise<boolean>;
};

/** The backend's word about an event. It is no proof: only the row of the payment says what was done. */
export type BackendAnswer = {
  /** Undefined where none came. */
  status: number | undefined;
  /** For people: the status with the backend's own word. */
  words: string;
  /** The time for which the backend wants no more requests. */
  retryAfterMs: number | undefined;
};

const ENDPOINT = '/api/v1/webhooks/cryptobot';
const METHOD_NOT_ALLOWED = 405;
/** A longer text is a page of a proxy. */
const LONGEST_WORD = 80;

/** Thrown through the policy for an answer that is no success and yet a sign of life: it does not open the breaker. */
class Answered extends Error {
  readonly answer: BackendAnswer;
  /** For the metrics. */
  readonly status: number | undefined;

  constructor(answer: BackendAnswer) {
    super(answer.words);
    this.answer = answer;
    this.status = answer.status;
  }
}

/**
 * The platform's backend. It has no route to complete one payment, so the client sends it a webhook of Crypto Pay with a valid signature.
 * The backend then does the rest: commissions, wallet, orders. It answers 500 when it has done all that, and it locks nothing: telling it
 * again while it is at work does the work twice. `BackendTelling` decides when it may be told.
 */
export class BackendClient {
  readonly #options: BackendOptions;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  /**
   * Tells the backend of an event and resolves with its answer. Rejects with `TransientError` where there was no answer, or a 5xx, and
   * nothing was done: these alone count for the breaker.
   */
  async tell(
    event: InvoiceEvent,
    invoice: Pick<Invoice, 'id' | 'price'>,
    { isDone, signal }: TellOptions,
  ): Promise<BackendAnswer> {
    const body = bodyOf(event, invoice);
    const call = { endpoint: ENDPOINT, signal, unrepeatable: true };
    try {
      return await this.#options.policy.call(call, async (limited) => {
        try {
          return await this.#send(body, limited);
        } catch (error) {
          if (limited.aborted || !(error instanceof TransientError) || !(await isDone())) throw error;
          const { status } = error as { status?: number };
          throw new Answered({ status, words: error.message, retryAfterMs: undefined });
        }
      });
    } catch (error) {
      if (error instanceof Answered) return error.answer;
      throw error;
    }
  }

  /** Checks that the webhook route exists without sending an event: the route answers a GET with 405. */
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

  async #send(body: Buffer, signal: AbortSignal): Promise<BackendAnswer> {
    const { baseUrl, callMs, cryptobotToken } = this.#options;
    const late = AbortSignal.timeout(callMs);
    const request = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [SIGNATURE_HEADER]: signBody(body, cryptobotToken),
        // The backend closes the connection after a 500 without a word: the next call on it would be lost.
        connection: 'close',
      },
      body: new Uint8Array(body),
      redirect: 'manual',
      signal: AbortSignal.any([signal, late]),
    } as const;
    const response = await this.#answer(`${baseUrl}${ENDPOINT}`, request).catch((error: unknown) => {
      if (!late.aborted || signal.aborted) throw error;
      const message = `backend ${ENDPOINT}: no answer within ${callMs} ms`;
      throw new TransientError('backend_timeout', message, { cause: error });
    });
    const { status } = response;
    // An answer whose text is cut is an answer: its status came.
    const text = await response.text().catch(() => '');
    const retryAfterMs = waitOf(response.headers.get('retry-after'));
    const answer = { status, words: wordsOf(status, text), retryAfterMs };
    if (response.ok) return answer;
    if (status < 500) throw new Answered(answer);
    const failure = new TransientError('backend_unavailable', `backend ${ENDPOINT}: ${answer.words}`, { retryAfterMs });
    throw Object.assign(failure, { status });
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

/** The status, with the word of a JSON answer where it has one: `200 (ignored_terminal_attempt)`. */
function wordsOf(status: number, text: string): string {
  const word = /"(?:status|detail)"\s*:\s*"([^"]*)"/.exec(text.slice(0, 500))?.[1];
  return word === undefined || word.length > LONGEST_WORD ? String(status) : `${status} (${word})`;
}

function waitOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? seconds(Number(retryAfter)) : undefined;
}

/** An update in Crypto Pay's form, with the fields that the backend reads. */
function bodyOf(event: InvoiceEvent, { id, price }: Pick<Invoice, 'id' | 'price'>): Buffer {
  if (!isInvoiceId(id)) throw new PermanentError('backend_invoice_id', `backend: ${id.slice(0, 40)} is no invoice id`);
  const update = {
    // One number per invoice, so that the log shows a repeated delivery as one.
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
