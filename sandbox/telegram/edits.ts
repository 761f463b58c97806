import type { Fields } from './body.ts';
import { apiMessage, type Bot, type Reply, refuse } from './bot.ts';
import { checkText } from './content.ts';
import { readMarkup } from './keyboard.ts';
import type { DeliveredMessage } from './record.ts';

const NOT_MODIFIED =
  'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

/** `editMessageText`. Without a keyboard, the one that was there is taken away. */
export function editText(bot: Bot, fields: Fields): Reply {
  const text = String(fields.text ?? '');
  const parsed = checkText(text, fields.parse_mode, 'text');
  if (!parsed.ok) return refuse(bot, 400, `Bad Request: ${parsed.error}`);
  const { entities, visible } = parsed;
  return change(bot, fields, (found) =>
    found.file ? 'there is no text in the message to edit' : { text, visible, entities },
  );
}

/** `editMessageReplyMarkup`: the text stays. */
export const editKeyboard = (bot: Bot, fields: Fields): Reply => change(bot, fields, () => ({}));

type Content = Partial<Pick<DeliveredMessage, 'entities' | 'text' | 'visible'>>;

function change(bot: Bot, fields: Fields, content: (found: DeliveredMessage) => Content | string): Reply {
  const found = bot.record
    .messages({ chatId: Number(fields.chat_id) })
    .find((message) => message.message_id === Number(fields.message_id));
  if (!found) return refuse(bot, 400, 'Bad Request: message to edit not found');
  const read = readMarkup(fields.reply_markup);
  if (!read.ok) return refuse(bot, 400, `Bad Request: ${read.error}`);
  const now = content(found);
  if (typeof now === 'string') return refuse(bot, 400, `Bad Request: ${now}`);
  const after = { ...now, reply_markup: read.markup };
  if (looksOf({ ...found, ...after }) === looksOf(found)) return refuse(bot, 400, NOT_MODIFIED);
  Object.assign(found, after);
  bot.edits += 1;
  return { ok: true, result: { ...apiMessage(bot, found), edit_date: Math.floor(Date.now() / 1000) } };
}

const looksOf = ({ entities, reply_markup, visible }: DeliveredMessage): string =>
  JSON.stringify([visible, entities, reply_markup]);
