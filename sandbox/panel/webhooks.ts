import { createHmac } from 'node:crypto';

export type WebhookOptions = {
  /** Nothing is sent without. */
  url: string | undefined;
  secret: string;
  /** The time between the tries of one delivery: 5 s at the panel. */
  retryDelayMs: number;
  /** Checks a body before it is sent and returns the problem. */
  check(body: object): string | undefined;
};

export type Delivery = { event: string; tries: number; delivered: boolean };

/** The panel gives up a delivery after this many tries. */
const TRIES = 4;

/** The number of deliveries that the panel sends at the same time. */
const PARALLEL = 100;

/** Sends the panel's webhooks: signed over the exact body, in parallel and so in no order, four tries, then dropped. */
export class Webhooks {
  readonly deliveries: Delivery[] = [];
  /** Where they go from now on. */
  url: string | undefined;
  readonly #options: WebhookOptions;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #closed = new AbortController();

  constructor(options: WebhookOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** `data` is called only where a receiver is configured. */
  send(scope: string, event: string, at: number, data: () => object): void {
    const url = this.url;
    if (url === undefined) return;
    const timestamp = new Date(at).toISOString();
    const body = { scope, event, timestamp, data: data(), ...(scope === 'user' && { meta: null }) };
    const problem = this.#options.check(body);
    if (problem) throw new Error(`webhook ${event} does not fit the contract: ${problem}`);
    const text = JSON.stringify(body);
    this.#waiting.push(() => this.#deliver(url, event, timestamp, text));
    if (this.#pending.size === PARALLEL) return;
    const worker = this.#work().finally(() => this.#pending.delete(worker));
    this.#pending.add(worker);
  }

  /** Resolves when everything sent so far is delivered or given up. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#waiting.length = 0;
    await this.settled();
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await next();
  }

  async #deliver(url: string, event: string, timestamp: string, body: string): Promise<void> {
    const { retryDelayMs, secret } = this.#options;
    const delivery: Delivery = { event, tries: 0, delivered: false };
    this.deliveries.push(delivery);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Remnawave',
      'x-remnawave-signature': createHmac('sha256', secret).update(body).digest('hex'),
      'x-remnawave-timestamp': timestamp,
    };
    const { signal } = this.#closed;
    while (!delivery.delivered && delivery.tries < TRIES && !signal.aborted) {
      if (delivery.tries > 0) await pause(retryDelayMs, signal);
      delivery.tries += 1;
      delivery.delivered = await fetch(url, { method: 'POST', headers, body, signal }).then(
        async (response) => {
          await response.body?.cancel();
          return response.ok;
        },
        () => false,
      );
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}
