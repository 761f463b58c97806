import type { IncomingMessage, ServerResponse } from 'node:http';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { readFields } from './body.ts';
import { type Bot, type Reply, type TapAnswer, tooManyRequests } from './bot.ts';
import type { ChatState } from './chats.ts';
import { handleControl } from './control.ts';
import { type Limits, SendingLimits, TELEGRAM_LIMITS } from './limits.ts';
import { callMethod } from './methods.ts';
import { type Person, type Tap, tap, write } from './people.ts';
import { ArrivalRecord, type DeliveredMessage, type MessageFilter, type Stats } from './record.ts';
import { UpdateQueue } from './updates.ts';

export type TelegramSandboxOptions = {
  /** 0 (default): any free port. */
  port?: number;
  /** The token of the first bot. There is a second one, for staff. */
  token?: string;
  /** Telegram's own limits by default; `NO_LIMITS` for none. */
  limits?: Partial<Limits>;
  /** By how many milliseconds Telegram's clock is ahead when it judges how old a message is. */
  aheadMs?: () => number;
};

/** One bot as a test sees it: what it sent, and the people who write to it. */
export type SandboxBot = {
  token: string;
  messages(filter?: MessageFilter): DeliveredMessage[];
  stats(): Stats;
  setChat(chatId: number, state: ChatState): void;
  /** Forgets messages and counts; chats, limits, taps and updates stay. */
  reset(): void;
  /** Somebody writes to the bot, in their own chat where no other is given. */
  write(person: Person, text: string, chatId?: number): void;
  /** Somebody taps a button under a message. Answers the id of the query. */
  tap(person: Person, tap: Tap): string;
  /** The answers to taps so far. */
  taps(): readonly TapAnswer[];
  /** From now on all taps that wait are too old to be answered. */
  expireTaps(): void;
  /** Calls of `getUpdates`, how many of them were ended by another, and what is not confirmed. */
  polling(): UpdateQueue['counts'];
  /** Messages that were changed. */
  edits(): number;
  /** The menu of commands by language, '' for all others. */
  commands(): ReadonlyMap<string, unknown>;
};

export type TelegramSandbox = AsyncDisposable & {
  /** Base URL, for `TELEGRAM_API_URL`. */
  url: string;
  port: number;
  token: string;
  /** The second bot. The first one's parts are the sandbox's own. */
  staff: SandboxBot;
  messages(filter?: MessageFilter): DeliveredMessage[];
  stats(): Stats;
  /** Calls of `getUpdates` by the first bot. */
  polling(): UpdateQueue['counts'];
  /** Somebody writes to the first bot. */
  write: SandboxBot['write'];
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
/** The token of the second bot, for `ADMIN_BOT_TOKEN`. */
export const STAFF_BOT_TOKEN = '4343434343:sandbox-token-of-the-staff-bot';

/** Starts a Bot API server on loopback that answers as Telegram does, records arrivals and fails on command. */
export async function startTelegramSandbox(options: TelegramSandboxOptions = {}): Promise<TelegramSandbox> {
  const limits = { ...TELEGRAM_LIMITS, ...options.limits };
  const now = (): number => performance.timeOrigin + performance.now() + (options.aheadMs?.() ?? 0);
  const bot = newBot(options.token ?? SANDBOX_TOKEN, 'sandbox_bot', { limits, now });
  const staff = newBot(STAFF_BOT_TOKEN, 'sandbox_staff_bot', { limits, now });
  const bots = new Map([bot, staff].map((one) => [one.token, one]));
  const faults = createFaults({
    tooManyRequests: (retryAfterSeconds) => {
      bot.record.tooManyRequests();
      return tooManyRequests(retryAfterSeconds);
    },
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    if (request.url?.startsWith('/_sandbox/')) return await handleControl([...bots.values()], request, response);
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const reply = await answer(bots, request, hungUp(response));
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
    ...handleOf(bot),
    staff: handleOf(staff),
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    held: () => faults.held(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function newBot(token: string, username: string, { limits, now }: { limits: Limits; now(): number }): Bot {
  return {
    ...{ token, username, now, nextMessageId: 1, nextQueryId: 1, taps: [], edits: 0 },
    ...{ record: new ArrivalRecord(), limits: new SendingLimits(limits), updates: new UpdateQueue() },
    ...{ chats: new Map(), files: new Map(), queries: new Set(), commands: new Map() },
  };
}

const handleOf = (bot: Bot): SandboxBot => ({
  token: bot.token,
  messages: (filter) => bot.record.messages(filter),
  stats: () => bot.record.stats(),
  setChat: (chatId, state) => void bot.chats.set(chatId, state),
  reset: () => bot.record.clear(),
  write: (person, text, chatId) => write(bot, person, text, chatId),
  tap: (person, given) => tap(bot, person, given),
  taps: () => bot.taps,
  expireTaps: () => bot.queries.clear(),
  polling: () => bot.updates.counts,
  edits: () => bot.edits,
  commands: () => bot.commands,
});

/** Fires where the caller goes away before it is answered. */
function hungUp(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

/** `/bot<token>/<method>`: a malformed token is a 404, a wrong one a 401. */
async function answer(bots: ReadonlyMap<string, Bot>, request: IncomingMessage, signal: AbortSignal): Promise<Reply> {
  const at = performance.timeOrigin + performance.now();
  const route = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? '');
  const fields = await readFields(request);
  if (!route || !/^\d+:/.test(route[1]!)) return { ok: false, error_code: 404, description: 'Not Found' };
  const bot = bots.get(route[1]!);
  if (!bot) return { ok: false, error_code: 401, description: 'Unauthorized' };
  return await callMethod(bot, route[2]!, fields, { at, signal });
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
