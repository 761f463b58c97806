import { isDeepStrictEqual } from 'node:util';
import { type Fields, type Upload, uploadOf } from './body.ts';
import { cleaned, type Entity, isEmpty, type Parsed, parseEntities } from './entities.ts';
import type { SendingLimits } from './limits.ts';
import { readMarkup } from './markup.ts';
import type { ArrivalRecord, DeliveredMessage } from './record.ts';

/** How a chat answers. A chat that nobody set is `ok`. */
export type ChatState = { state: 'ok' | keyof typeof REFUSALS } | { state: 'migrated_to'; chatId: number };

/** The state that the methods work on. */
export type World = {
  token: string;
  record: ArrivalRecord;
  limits: SendingLimits;
  chats: Map<number, ChatState>;
  nextMessageId: number;
};

/** The body of a Bot API answer (https://core.telegram.org/bots/api#making-requests). */
export type Reply =
  | { ok: true; result: unknown }
  | { ok: false; error_code: number; description: string; parameters?: Record<string, number> };

const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;
/** As it is written, in UTF-8: `get_formatted_text` of the Bot API server. */
const MAX_BYTES = 1 << 15;

/** How Telegram refuses a chat, word for word (tdlib/telegram-bot-api, `check_chat_access` and `fail_query_with_error`; tdlib/td). */
export const REFUSALS = {
  blocked: [403, 'Forbidden: bot was blocked by the user'],
  not_started: [403, "Forbidden: bot can't initiate conversation with a user"],
  deactivated: [403, 'Forbidden: user is deactivated'],
  kicked: [403, 'Forbidden: bot was kicked from the group chat'],
  left: [403, 'Forbidden: bot is not a member of the supergroup chat'],
  deleted: [403, 'Forbidden: the group chat was deleted'],
  bot: [403, "Forbidden: the bot can't send messages to the bot"],
  not_found: [400, 'Bad Request: chat not found'],
  peer_invalid: [400, 'Bad Request: PEER_ID_INVALID'],
  topic_closed: [400, 'Bad Request: TOPIC_CLOSED'],
  no_rights: [400, 'Bad Request: not enough rights to send text messages to the chat'],
  write_forbidden: [400, 'Bad Request: CHAT_WRITE_FORBIDDEN'],
} as const satisfies Record<string, readonly [code: number, description: string]>;

/** Runs one method by its name; names are case-insensitive, as at Telegram. `at` is the time at which the request arrived. */
export function callMethod(world: World, method: string, fields: Fields, at: number): Reply {
  switch (method.toLowerCase()) {
    case 'getme':
      return { ok: true, result: user(world) };
    case 'sendmessage':
      return send(world, 'sendMessage', fields, at, 'text');
    case 'sendphoto':
      return send(world, 'sendPhoto', fields, at, 'photo');
    case 'senddocument':
      return send(world, 'sendDocument', fields, at, 'document');
    case 'editmessagetext':
      return edit(world, fields);
    case 'answercallbackquery':
      return fields.callback_query_id
        ? { ok: true, result: true }
        : refuse(world, 400, 'Bad Request: query is too old');
    default:
      return refuse(world, 404, 'Not Found');
  }
}

/** The answer 429 with the wait in seconds. */
export function tooManyRequests(retryAfterSeconds: number): Reply & { ok: false } {
  return {
    ok: false,
    error_code: 429,
    description: `Too Many Requests: retry after ${retryAfterSeconds}`,
    parameters: { retry_after: retryAfterSeconds },
  };
}

type Content = 'text' | 'photo' | 'document';

function send(world: World, method: string, fields: Fields, at: number, content: Content): Reply {
  world.record.arrived(at);
  const chatId = Number(fields.chat_id);
  if (fields.chat_id === undefined || fields.chat_id === '') return refuse(world, 400, 'Bad Request: chat_id is empty');
  const text = String(fields[content === 'text' ? 'text' : 'caption'] ?? '');
  const parsed = checkText(text, fields.parse_mode, content);
  if (!parsed.ok) return refuse(world, 400, `Bad Request: ${parsed.error}`);
  const file = content === 'text' ? undefined : uploadOf(fields, content);
  if (content !== 'text' && !file) return refuse(world, 400, `Bad Request: there is no ${content} in the request`);
  const buttons = readMarkup(fields.reply_markup);
  if (!buttons.ok) return refuse(world, 400, `Bad Request: ${buttons.error}`);

  const denied = checkChat(world, chatId);
  if (denied) return denied;
  const waitSeconds = world.limits.take(chatId, at);
  if (waitSeconds > 0) {
    world.record.tooManyRequests();
    return tooManyRequests(waitSeconds);
  }
  const { entities, visible } = parsed;
  const { markup } = buttons;
  return deliver(world, { method, chatId, text, visible, entities, markup, file: file ?? null, at }, fields);
}

type Accepted = Pick<DeliveredMessage, 'method' | 'text' | 'visible' | 'entities' | 'file' | 'at'> & {
  chatId: number;
  markup: unknown;
};

function deliver(world: World, message: Accepted, fields: Fields): Reply {
  const delivered: DeliveredMessage = {
    message_id: world.nextMessageId++,
    method: message.method,
    chat_id: message.chatId,
    text: message.text,
    visible: message.visible,
    entities: message.entities,
    parse_mode: fields.parse_mode === undefined ? null : String(fields.parse_mode),
    reply_markup: message.markup,
    preview: message.method === 'sendMessage' && !isDisabled(fields.link_preview_options),
    file: message.file,
    at: message.at,
  };
  world.record.delivered(delivered);
  return { ok: true, result: apiMessage(world, delivered) };
}

function edit(world: World, fields: Fields): Reply {
  const found = world.record
    .messages({ chatId: Number(fields.chat_id) })
    .find((message) => message.message_id === Number(fields.message_id));
  if (!found) return refuse(world, 400, 'Bad Request: message to edit not found');
  const text = String(fields.text ?? '');
  const parsed = checkText(text, fields.parse_mode, 'text');
  if (!parsed.ok) return refuse(world, 400, `Bad Request: ${parsed.error}`);
  const buttons = readMarkup(fields.reply_markup);
  if (!buttons.ok) return refuse(world, 400, `Bad Request: ${buttons.error}`);
  const { markup } = buttons;
  if (found.visible === parsed.visible && isDeepStrictEqual(found.reply_markup, markup)) {
    return refuse(world, 400, 'Bad Request: message is not modified');
  }
  // Without buttons of its own an edit takes away those that were there.
  Object.assign(found, { text, visible: parsed.visible, entities: parsed.entities, reply_markup: markup });
  return { ok: true, result: apiMessage(world, found) };
}

/** Markdown is not parsed, because the service sends HTML. */
function checkText(text: string, parseMode: unknown, content: Content): Parsed {
  const mode = String(parseMode ?? '').toLowerCase();
  if (content === 'text' && text === '') return { ok: false, error: 'message text is empty' };
  if (Buffer.byteLength(text) > MAX_BYTES) return { ok: false, error: 'text is too long' };
  if (!['', 'none', 'html', 'markdown', 'markdownv2'].includes(mode))
    return { ok: false, error: 'unsupported parse_mode' };
  if (!text.isWellFormed()) return { ok: false, error: 'strings must be encoded in UTF-8' };
  const parsed = mode === 'html' ? parseEntities(text) : { ok: true as const, visible: text, entities: [] };
  if (!parsed.ok) return parsed;
  const visible = cleaned(parsed.visible);
  if (content === 'text' && isEmpty(visible)) return { ok: false, error: 'text must be non-empty' };
  if (content === 'text' && visible.length > MAX_TEXT) return { ok: false, error: 'message is too long' };
  if (content !== 'text' && visible.length > MAX_CAPTION) return { ok: false, error: 'message caption is too long' };
  return { ok: true, visible, entities: trimmed(parsed.entities, parsed.visible) };
}

/** Moved to where they are in the text without its first spaces. */
function trimmed(entities: readonly Entity[], visible: string): Entity[] {
  const before = visible.length - visible.trimStart().length;
  return entities.map((entity) => ({ ...entity, offset: Math.max(0, entity.offset - before) }));
}

function checkChat(world: World, chatId: number): Reply | undefined {
  const chat = world.chats.get(chatId) ?? { state: 'ok' };
  if (!Number.isSafeInteger(chatId) || chatId === 0) return refuse(world, ...REFUSALS.not_found);
  if (chat.state === 'migrated_to') {
    return refuse(world, 400, 'Bad Request: group chat was upgraded to a supergroup chat', {
      migrate_to_chat_id: chat.chatId,
    });
  }
  if (chat.state === 'ok') return undefined;
  const [code, description] = REFUSALS[chat.state];
  return refuse(world, code, description);
}

function refuse(world: World, code: number, description: string, parameters?: Record<string, number>): Reply {
  world.record.refused(description);
  return { ok: false, error_code: code, description, ...(parameters && { parameters }) };
}

/** Form bodies hold the options as JSON text. */
function isDisabled(options: unknown): boolean {
  const read = typeof options === 'string' ? JSON.parse(options) : options;
  return (read as { is_disabled?: boolean } | undefined)?.is_disabled === true;
}

function user(world: World) {
  const id = Number(world.token.split(':')[0]);
  return { id, is_bot: true, first_name: 'Sandbox', username: 'sandbox_bot', can_join_groups: true };
}

function apiMessage(world: World, message: DeliveredMessage) {
  const { message_id, chat_id, visible, at, file } = message;
  const chat = { id: chat_id, type: chat_id < 0 ? 'supergroup' : 'private' };
  const from = user(world);
  const body = file
    ? {
        caption: visible,
        document: { file_id: `file-${message_id}`, file_unique_id: `${message_id}`, ...fileFields(file) },
      }
    : { text: visible };
  return { message_id, from, chat, date: Math.floor(at / 1000), ...body };
}

function fileFields(file: Upload) {
  return { file_name: file.name, file_size: file.bytes };
}
