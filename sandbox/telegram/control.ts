import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { readFields } from './body.ts';
import type { Bot } from './bot.ts';
import { type ChatState, REFUSALS } from './chats.ts';
import { type Tap, tap, write } from './people.ts';
import type { MessageFilter } from './record.ts';

const Filter = z.object({
  chat_id: z.coerce.number().optional(),
  /** Milliseconds since 1970 or an ISO 8601 time. */
  since: z
    .string()
    .transform((text) => (/^[\d.]+$/.test(text) ? Number(text) : Date.parse(text)))
    .optional(),
  limit: z.coerce.number().int().min(0).optional(),
});

const CHAT_STATES = ['ok', ...Object.keys(REFUSALS)] as ('ok' | keyof typeof REFUSALS)[];

const NewState = z.discriminatedUnion('state', [
  z.strictObject({ state: z.enum(CHAT_STATES) }),
  z.strictObject({ state: z.literal('migrated_to'), chat_id: z.int() }),
]);

const Somebody = { from: z.int(), language: z.string().optional(), chat_id: z.int().optional() };
const Written = z.strictObject({ ...Somebody, text: z.string().min(1).max(4096) });
const Tapped = z.strictObject({
  ...Somebody,
  message_id: z.int(),
  /** The text of the button; or, as from a client that was tampered with, any data. */
  text: z.string().optional(),
  data: z.string().optional(),
});

/**
 * The sandbox's own routes under `/_sandbox/`: `GET messages` (`chat_id`, `since`, `limit`), `DELETE messages`, `GET stats`, `GET taps`,
 * `POST chats/{id}`, and what people do: `POST write` and `POST tap`. `?bot=<id>` means another bot than the first. `faults` belongs to the
 * fault engine.
 */
export async function handleControl(
  bots: readonly Bot[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const route = `${request.method} ${url.pathname.replace('/_sandbox/', '')}`;
  const id = url.searchParams.get('bot');
  const world = id === null ? bots[0] : bots.find(({ token }) => token.startsWith(`${id}:`));
  if (!world) return json(response, 404, { error: `no bot ${id}` });
  if (route === 'POST write' || route === 'POST tap') {
    const done = act(world, route, await bodyOf(request));
    return json(response, done.ok ? 200 : 400, done.body);
  }
  if (route === 'GET taps') return json(response, 200, { taps: world.taps, polling: world.updates.counts });
  if (route === 'GET messages') {
    const filter = Filter.safeParse(Object.fromEntries(url.searchParams));
    if (!filter.success) return json(response, 400, { error: z.prettifyError(filter.error) });
    return json(response, 200, { messages: world.record.messages(messageFilter(filter.data)) });
  }
  if (route === 'DELETE messages') {
    world.record.clear();
    return json(response, 200, { messages: [] });
  }
  if (route === 'GET stats') return json(response, 200, world.record.stats());
  const chat = /^POST chats\/(-?\d+)$/.exec(route);
  if (!chat) return json(response, 404, { error: `no route ${route}` });
  const state = NewState.safeParse(await bodyOf(request));
  if (!state.success) return json(response, 400, { error: z.prettifyError(state.error) });
  world.chats.set(Number(chat[1]), chatState(state.data));
  json(response, 200, state.data);
}

/** The query says which bot is meant, and is no part of what is asked. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const { bot: _, ...body } = await readFields(request);
  return body;
}

function act(bot: Bot, route: string, body: unknown): { ok: boolean; body: object } {
  const read = (route === 'POST write' ? Written : Tapped).safeParse(body);
  if (!read.success) return { ok: false, body: { error: z.prettifyError(read.error) } };
  const { chat_id: chatId, from, language } = read.data;
  const person = { id: from, ...(language !== undefined && { language }) };
  if (!('message_id' in read.data)) {
    write(bot, person, read.data.text, chatId);
    return { ok: true, body: {} };
  }
  const { data, message_id: messageId, text = '' } = read.data;
  const which: Tap = {
    messageId,
    ...(chatId !== undefined && { chatId }),
    ...(data === undefined ? { text } : { data }),
  };
  try {
    return { ok: true, body: { query: tap(bot, person, which) } };
  } catch (error) {
    return { ok: false, body: { error: (error as Error).message } };
  }
}

function messageFilter({ chat_id, since, limit }: z.output<typeof Filter>): MessageFilter {
  return {
    ...(chat_id !== undefined && { chatId: chat_id }),
    ...(since !== undefined && { sinceMs: since }),
    ...(limit !== undefined && { limit }),
  };
}

function chatState(state: z.output<typeof NewState>): ChatState {
  return state.state === 'migrated_to' ? { state: 'migrated_to', chatId: state.chat_id } : state;
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
