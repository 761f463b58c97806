import type { IncomingMessage, ServerResponse } from 'node:http';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { readFields } from './body.ts';
import { handleControl } from './control.ts';
import { type Limits, SendingLimits, TELEGRAM_LIMITS } from './limits.ts';
import { type ChatState, callMethod, type Reply, tooManyRequests, type World } from './methods.ts';
import { ArrivalRecord, type DeliveredMessage, type MessageFilter, type Stats } from './record.ts';

export type TelegramSandboxOptions = {
  /** 0 (default): any free port. */
  port?: number;
  /** The only valid bot token. */
  token?: string;
  /** Telegram's own limits by default; `NO_LIMITS` for none. */
  limits?: Partial<Limits>;
  /** By how many milliseconds Telegram's clock is ahead when it judges how old a message is. */
  aheadMs?: () => number;
};

export type TelegramSandbox = AsyncDisposable & {
  /** Base URL, for `TELEGRAM_API_URL`. */
  url: string;
  port: number;
  token: string;
  messages(filter?: MessageFilter): DeliveredMessage[];
  stats(): Stats;
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
  /** How many requests are held by a fault now: they hang, or wait out a latency. */
  held(): number;
  setChat(chatId: number, state: ChatState): void;
  /** Forgets messages and counts; chats, limits and faults stay. */
  reset(): void;
  stop(): Promise<void>;
};

const SANDBOX_TOKEN = '4242424242:sandbox-token-that-opens-nothing';

/** Starts a Bot API server on loopback that answers as Telegram does, records arrivals and fails on command. */
export async function startTelegramSandbox(options: TelegramSandboxOptions = {}): Promise<TelegramSandbox> {
  const world: World = {
    token: options.token ?? SANDBOX_TOKEN,
    record: new ArrivalRecord(),
    limits: new SendingLimits({ ...TELEGRAM_LIMITS, ...options.limits }),
    chats: new Map(),
    files: new Map(),
    now: () => performance.timeOrigin + performance.now() + (options.aheadMs?.() ?? 0),
    nextMessageId: 1,
  };
  const faults = createFaults({
    tooManyRequests: (retryAfterSeconds) => {
      world.record.tooManyRequests();
      return tooManyRequests(retryAfterSeconds);
    },
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    if (request.url?.startsWith('/_sandbox/')) return await handleControl(world, request, response);
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const reply = await answer(world, request);
    if (verdict === 'cut-after') return cut(response);
    respond(response, reply);
  };

  const server = await serveOnLoopback(options.port ?? 0, serve, (response, error) => {
    respond(response, { ok: false, error_code: 400, description: `Bad Request: ${error.message}` });
  });

  const { port, url } = server;
  const stop = (): Promise<void> => server.stop(() => faults.clear());
  return {
    url,
    port,
    token: world.token,
    messages: (filter) => world.record.messages(filter),
    stats: () => world.record.stats(),
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    held: () => faults.held(),
    setChat: (chatId, state) => void world.chats.set(chatId, state),
    reset: () => world.record.clear(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** `/bot<token>/<method>`: a malformed token is a 404, a wrong one a 401. */
async function answer(world: World, request: IncomingMessage): Promise<Reply> {
  const at = performance.timeOrigin + performance.now();
  const route = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? '');
  const fields = await readFields(request);
  if (!route || !/^\d+:/.test(route[1]!)) return { ok: false, error_code: 404, description: 'Not Found' };
  if (route[1] !== world.token) return { ok: false, error_code: 401, description: 'Unauthorized' };
  return callMethod(world, route[2]!, fields, at);
}

function respond(response: ServerResponse, reply: Reply): void {
  if (response.headersSent) return;
  const body = JSON.stringify(reply);
  response.writeHead(reply.ok ? 200 : reply.error_code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
