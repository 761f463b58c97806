import type { IncomingMessage, ServerResponse } from 'node:http';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { control } from './control.ts';
import { callMethod, type Reply, refuse } from './methods.ts';
import { CryptoPayWorld } from './world.ts';

export type CryptoPaySandboxOptions = {
  /** 0 (default): any free port. */
  port?: number;
  /** The only valid token. Its SHA-256 signs the webhooks. */
  token?: string;
  /** The target of updates; without it none is sent. May be set later. */
  webhookUrl?: string;
  /** Decides when invoices expire. The machine's by default. */
  clock?: () => Date;
};

export type CryptoPaySandbox = AsyncDisposable & {
  /** Base URL, for `CRYPTOBOT_API_URL`. */
  url: string;
  port: number;
  token: string;
  /** Pays, expires, puts invoices; sends webhooks; lists calls and deliveries; moves the clock. */
  world: CryptoPayWorld;
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
  /** How many requests are held by a fault now: they hang, or wait out a latency. */
  held(): number;
  stop(): Promise<void>;
};

export const SANDBOX_CRYPTO_PAY_TOKEN = '4242:AASandboxTokenThatOpensNothing';

/** Starts a Crypto Pay API on loopback that keeps invoices, sends signed webhooks and fails on command. */
export async function startCryptoPaySandbox(options: CryptoPaySandboxOptions = {}): Promise<CryptoPaySandbox> {
  const world = new CryptoPayWorld({
    token: options.token ?? SANDBOX_CRYPTO_PAY_TOKEN,
    webhookUrl: options.webhookUrl,
    clock: options.clock ?? (() => new Date()),
  });
  const faults = createFaults({ tooManyRequests: () => refuse(429, 'TOO_MANY_REQUESTS') });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    const url = new URL(request.url ?? '/', 'http://sandbox');
    if (url.pathname.startsWith('/_sandbox/')) {
      const route = `${request.method} ${url.pathname.replace('/_sandbox/', '')}`;
      const { status, body } = await control(world, route, await readFields(request, url));
      return respond(response, status, body);
    }
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const reply = await answer(world, request, url);
    if (verdict === 'cut-after') return cut(response);
    respond(response, reply.ok ? 200 : reply.error.code, reply);
  };

  const server = await serveOnLoopback(options.port ?? 0, serve, (response, error) =>
    respond(response, 500, refuse(500, String(error))),
  );

  const { port, url } = server;
  const stop = async (): Promise<void> => {
    await world.webhooks.stop();
    await server.stop(() => faults.clear());
  };
  return {
    url,
    port,
    token: world.token,
    world,
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    held: () => faults.held(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** `/api/<method>`, by GET or POST, with the token in its header. */
async function answer(world: CryptoPayWorld, request: IncomingMessage, url: URL): Promise<Reply> {
  const method = /^\/api\/(\w+)\/?$/.exec(url.pathname)?.[1];
  const fields = await readFields(request, url);
  if (method === undefined) return refuse(404, 'NOT_FOUND');
  world.calls.push({ method, fields, at: world.now().toISOString() });
  if (request.headers['crypto-pay-api-token'] !== world.token) return refuse(401, 'UNAUTHORIZED');
  world.onCall?.(method);
  return callMethod(world.store, method, fields);
}

/** Query, JSON or form, as https://help.crypt.bot/crypto-pay-api#making-requests allows. */
async function readFields(request: IncomingMessage, url: URL): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const query = Object.fromEntries(url.searchParams);
  if (text === '') return query;
  // Detected by the first character, because `curl -d '{…}'` calls JSON a form.
  if (text.trimStart().startsWith('{')) return { ...query, ...(JSON.parse(text) as object) };
  return { ...query, ...Object.fromEntries(new URLSearchParams(text)) };
}

function respond(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
