import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { readFields } from './body.ts';
import { type ChatState, REFUSALS, type World } from './methods.ts';
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

/**
 * The sandbox's own routes under `/_sandbox/`: `GET messages` (`chat_id`, `since`, `limit`), `DELETE messages`, `GET stats`,
 * `POST chats/{id}`. `faults` belongs to the fault engine.
 */
export async function handleControl(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const route = `${request.method} ${url.pathname.replace('/_sandbox/', '')}`;
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
  const state = NewState.safeParse(await readFields(request));
  if (!state.success) return json(response, 400, { error: z.prettifyError(state.error) });
  world.chats.set(Number(chat[1]), chatState(state.data));
  json(response, 200, state.data);
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
