import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Names, tokenised } from './tokens.ts';

export type Received = {
  at: number;
  headers: Record<string, string>;
  body: { scope: string; event: string; timestamp: string; data: Record<string, unknown>; meta?: unknown };
  /** Whether the signature is the HMAC-SHA256 of the raw body, and the header's time that of the body. */
  isSigned: boolean;
};

/** Takes the webhooks of a panel, or refuses all those of one event. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  /** Events that are answered with this status instead of 200. */
  readonly refusing = new Map<string, number>();

  constructor(secret: string) {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const raw = Buffer.concat(chunks);
      const body = JSON.parse(raw.toString('utf8')) as Received['body'];
      const headers = request.headers as Record<string, string>;
      const isSigned =
        headers['x-remnawave-signature'] === createHmac('sha256', secret).update(raw).digest('hex') &&
        headers['x-remnawave-timestamp'] === body.timestamp;
      this.received.push({ at: Date.now(), headers, body, isSigned });
      response.writeHead(this.refusing.get(body.event) ?? 200).end();
    });
  }

  /** Answers the address to send to. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/webhooks/remnawave`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A delivery as it is recorded. */
export type Delivered = { headers: Record<string, string>; body: Received['body'] };

const SENT = ['content-type', 'user-agent', 'x-remnawave-signature', 'x-remnawave-timestamp'];

/** Its headers and its body, without what differs each time. */
export function delivered({ headers, body, isSigned }: Received, names: Names): Delivered {
  const shown = Object.fromEntries(SENT.map((name) => [name, headers[name] ?? 'none']));
  const signature = isSigned ? '<hmac-sha256 of the raw body, hex>' : 'wrong';
  const secure = { 'x-remnawave-signature': signature, 'x-remnawave-timestamp': '<timestamp of the body>' };
  return { headers: { ...shown, ...secure }, body: tokenised(body, names) as Received['body'] };
}

/** How often each event of a user or a node came. */
export function counted(all: readonly Received[]): Record<string, number> {
  const told = all.filter(({ body: { scope } }) => scope === 'user' || scope === 'node');
  const events = told.map(({ body }) => body.event).sort();
  return Object.fromEntries([...new Set(events)].map((event) => [event, events.filter((one) => one === event).length]));
}
