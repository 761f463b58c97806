import type { Fields } from './body.ts';
import { apiMessage, type Bot, type Reply, refuse, tooManyRequests, user } from './bot.ts';
import { REFUSALS } from './chats.ts';
import { setCommands } from './commands.ts';
import { type Content, checkText } from './content.ts';
import { editKeyboard, editText } from './edits.ts';
import { fileOf } from './files.ts';
import { readMarkup } from './keyboard.ts';
import { answerTap } from './people.ts';
import type { DeliveredMessage } from './record.ts';

/**
 * Runs one method by its name; names are case-insensitive, as at Telegram. `at` is the time at which the request arrived; the signal fires
 * where the caller hangs up.
 */
export function callMethod(
  bot: Bot,
  method: string,
  fields: Fields,
  { at, signal }: { at: number; signal: AbortSignal },
): Reply | Promise<Reply> {
  switch (method.toLowerCase()) {
    case 'getme':
      return { ok: true, result: user(bot) };
    case 'getupdates':
      return bot.updates.get(fields, signal);
    case 'setmycommands':
      return setCommands(bot, fields);
    case 'sendmessage':
      return send(bot, 'sendMessage', fields, at, 'text');
    case 'sendphoto':
      return send(bot, 'sendPhoto', fields, at, 'photo');
    case 'senddocument':
      return send(bot, 'sendDocument', fields, at, 'document');
    case 'editmessagetext':
      return editText(bot, fields);
    case 'editmessagereplymarkup':
      return editKeyboard(bot, fields);
    case 'deletemessage':
      return remove(bot, fields);
    case 'answercallbackquery':
      return answerTap(bot, fields, at);
    default:
      return refuse(bot, 404, 'Not Found');
  }
}

function send(bot: Bot, method: string, fields: Fields, at: number, content: Content): Reply {
  bot.record.arrived(at);
  const chatId = Number(fields.chat_id);
  if (fields.chat_id === undefined || fields.chat_id === '') return refuse(bot, 400, 'Bad Request: chat_id is empty');
  const text = String(fields[content === 'text' ? 'text' : 'caption'] ?? '');
  const parsed = checkText(text, fields.parse_mode, content);
  if (!parsed.ok) return refuse(bot, 400, `Bad Request: ${parsed.error}`);
  const file = content === 'text' ? undefined : fileOf(bot, fields, content);
  if (file?.error !== undefined) return refuse(bot, 400, `Bad Request: ${file.error}`);
  const markup = readMarkup(fields.reply_markup);
  if (!markup.ok) return refuse(bot, 400, `Bad Request: ${markup.error}`);
  const denied = checkChat(bot, chatId);
  if (denied) return denied;
  const paid = isTrue(fields.allow_paid_broadcast);
  if (paid && !bot.limits.allowsPaid) return refuse(bot, 400, 'Bad Request: FLOODSKIP_NOT_ALLOWED');
  const { isBilled, waitSeconds } = bot.limits.take(chatId, at, paid);
  if (waitSeconds > 0) {
    bot.record.tooManyRequests();
    return tooManyRequests(waitSeconds);
  }
  if (isBilled) bot.record.billed();
  const { entities, visible } = parsed;
  const body = { text, visible, entities, file: file?.file ?? null, reply_markup: markup.markup, paid };
  return deliver(bot, { method, chatId, ...body, at }, fields);
}

type Accepted = Omit<DeliveredMessage, 'chat_id' | 'deleted' | 'message_id' | 'parse_mode' | 'preview'> & {
  chatId: number;
};

function deliver(bot: Bot, message: Accepted, fields: Fields): Reply {
  const { chatId: chat_id, ...content } = message;
  const delivered: DeliveredMessage = {
    message_id: bot.nextMessageId++,
    chat_id,
    ...content,
    parse_mode: fields.parse_mode === undefined ? null : String(fields.parse_mode),
    preview: message.method === 'sendMessage' && !isDisabled(fields.link_preview_options),
    deleted: false,
  };
  bot.record.delivered(delivered);
  return { ok: true, result: apiMessage(bot, delivered) };
}

/** https://core.telegram.org/bots/api#deletemessage */
const DELETABLE_MS = 48 * 3_600_000;

function remove(bot: Bot, fields: Fields): Reply {
  const [chatId, messageId] = [Number(fields.chat_id), Number(fields.message_id)];
  const denied = checkChat(bot, chatId);
  if (denied) return denied;
  const found = bot.record.find(chatId, messageId);
  if (!found || found.deleted) return refuse(bot, 400, 'Bad Request: message to delete not found');
  if (bot.now() - found.at > DELETABLE_MS)
    return refuse(bot, 400, "Bad Request: message can't be deleted for everyone");
  found.deleted = true;
  return { ok: true, result: true };
}

const isTrue = (value: unknown): boolean => value === true || value === 'true';

function checkChat(bot: Bot, chatId: number): Reply | undefined {
  const chat = bot.chats.get(chatId) ?? { state: 'ok' };
  if (!Number.isSafeInteger(chatId) || chatId === 0) return refuse(bot, ...REFUSALS.not_found);
  if (chat.state === 'migrated_to') {
    return refuse(bot, 400, 'Bad Request: group chat was upgraded to a supergroup chat', {
      migrate_to_chat_id: chat.chatId,
    });
  }
  if (chat.state === 'ok') return undefined;
  const [code, description] = REFUSALS[chat.state];
  return refuse(bot, code, description);
}

/** Form bodies hold the options as JSON text. */
const isDisabled = (options: unknown): boolean => {
  const read: unknown = typeof options === 'string' ? JSON.parse(options) : options;
  return (read as { is_disabled?: boolean } | null | undefined)?.is_disabled === true;
};
