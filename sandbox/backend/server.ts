import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pool } from 'pg';
import { verifySignature } from '../../src/clients/cryptobot/webhook.ts';
import { connectRedis } from '../../src/repositories/redis/connection.ts';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { type Answer, CryptobotWebhook, type Told } from './cryptobot-webhook.ts';
import { RequestLimit, type RequestLimitOptions } from './request-limit.ts';

export type BackendSandboxOptions = {
  /** The platform's database: the backend changes rows in it. */
  databaseUrl: string;
  /** The token that signs the webhooks. */
  cryptobotToken: string;
  /** 0 (default): any free port. */
  port?: number;
  /** The platform's Redis, where the backend marks the invoices that it has handled. Without it, it has no such mark. */
  redisUrl?: string;
  /** Requests of one address (default: 100 a minute). */
  limit?: RequestLimitOptions;
  /** How long it works on a webhook between reading and writing (default: 20 ms). */
  workMs?: number;
};

export type BackendSandbox = AsyncDisposable & {
  /** Base URL, for `BACKEND_API_URL`. */
  url: string;
  /** Webhooks with a valid signature, in order. */
  told: readonly Told[];
  /** The moments, of `performance.now()`, at which requests came in. */
  asked: readonly number[];
  /** Requests that were refused because there were too many. */
  refused(): number;
  /** How often each payment had its side effects: commissions, wallet, orders. More than once is a fault of the backend. */
  sideEffects: ReadonlyMap<string, number>;
  /** From now on paid webhooks are answered 200 and ignored, as for an attempt that has ended. */
  ignore(on: boolean): void;
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
  /** Forgets what it was told and asked so far. */
  reset(): void;
};

const ROUTE = '/api/v1/webhooks/cryptobot';

/** A stand-in for the platform's backend: its webhook route, as far as payments go. */
export async function startBackendSandbox(options: BackendSandboxOptions): Promise<BackendSandbox> {
  const pool = new Pool({ connectionString: options.databaseUrl, max: 10 });
  pool.on('connect', (client) => client.on('error', () => undefined));
  const redis =
    options.redisUrl === undefined
      ? undefined
      : connectRedis({ url: options.redisUrl, name: 'backend', whenDown: 'fail', onError: () => undefined });
  const webhook = new CryptobotWebhook({ pool, redis, workMs: options.workMs ?? 20 });
  const limit = new RequestLimit(options.limit ?? { requests: 100, windowMs: 60_000 });
  const faults = createFaults({ tooManyRequests: () => TOO_MANY });
  const asked: number[] = [];
  let refused = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    asked.push(performance.now());
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const retryAfter = limit.refuses(request);
    const body = await read(request);
    if (retryAfter !== undefined) {
      refused += 1;
      response.setHeader('retry-after', retryAfter);
      return respond(response, { status: 429, body: TOO_MANY });
    }
    if (request.url !== ROUTE) return respond(response, { status: 404, body: { detail: 'Not Found' } });
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      return respond(response, { status: 405, body: { detail: 'Method Not Allowed' } });
    }
    const given = request.headers['crypto-pay-api-signature'];
    const signature = typeof given === 'string' ? given : undefined;
    if (signature === undefined || !verifySignature(body, signature, options.cryptobotToken))
      return respond(response, { status: 401, body: { detail: 'Invalid webhook signature' } });
    await webhook.take(body, signature, (answer) =>
      verdict === 'cut-after' ? cut(response) : respond(response, answer),
    );
  };

  const server = await serveOnLoopback(options.port ?? 0, serve, (response, { message }) =>
    respond(response, { status: 500, body: { detail: message } }),
  );

  return {
    url: server.url,
    told: webhook.told,
    asked,
    refused: () => refused,
    sideEffects: webhook.sideEffects,
    ignore(on) {
      webhook.isIgnoring = on;
    },
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    reset() {
      faults.clear();
      limit.forget();
      webhook.isIgnoring = false;
      webhook.told.length = 0;
      webhook.sideEffects.clear();
      asked.length = 0;
      refused = 0;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(() => faults.clear());
      redis?.disconnect();
      await pool.end();
    },
  };
}

const TOO_MANY = { detail: 'Too many requests' };

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function respond(response: ServerResponse, { body, status }: Answer): void {
  if (response.headersSent) return;
  // The original closes the connection after an error of its own, without saying so.
  if (status === 500) response.once('finish', () => response.socket?.destroy());
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
