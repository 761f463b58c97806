import { apiMessage, type Bot, type Reply, refuse } from './bot.ts';
import { buttonsOf } from './keyboard.ts';

/** Somebody who writes to a bot or taps its buttons. */
export type Person = { id: number; language?: string; username?: string };

/** A tap on a button: its text, or, as a client that was tampered with sends it, any data. */
export type Tap = { chatId?: number; messageId: number } & ({ text: string } | { data: string });

const userOf = ({ id, language, username }: Person) => ({
  id,
  is_bot: false,
  first_name: username ?? `Person ${id}`,
  ...(username && { username }),
  ...(language && { language_code: language }),
});

/** A person writes a message, in their own chat with the bot where no other is given. A command is marked as one. */
export function write(bot: Bot, person: Person, text: string, chatId = person.id): void {
  const command = /^\/\w+(@\w+)?/.exec(text)?.[0];
  bot.updates.add('message', {
    message_id: bot.nextMessageId++,
    from: userOf(person),
    chat: { id: chatId, type: chatId < 0 ? 'supergroup' : 'private' },
    date: Math.floor(Date.now() / 1000),
    text,
    ...(command && { entities: [{ type: 'bot_command', offset: 0, length: command.length }] }),
  });
}

/** A person taps a button. Answers the id of the query. Throws where there is no such message or button. */
export function tap(bot: Bot, person: Person, given: Tap): string {
  const { chatId = person.id, messageId } = given;
  const message = bot.record.messages({ chatId }).find((one) => one.message_id === messageId);
  if (!message) throw new Error(`chat ${chatId} has no message ${messageId}`);
  const data =
    'data' in given
      ? given.data
      : buttonsOf(message.reply_markup).find(({ text }) => text === given.text)?.callback_data;
  if (data === undefined) {
    const there = buttonsOf(message.reply_markup).map(({ text }) => text);
    throw new Error(
      `message ${messageId} has no button '${'text' in given ? given.text : ''}', only ${there.join(', ')}`,
    );
  }
  const id = String(4_000_000_000_000 + bot.nextQueryId++);
  bot.queries.add(id);
  const from = userOf(person);
  bot.updates.add('callback_query', {
    id,
    from,
    message: { ...apiMessage(bot, message), reply_markup: message.reply_markup },
    chat_instance: String(chatId),
    data,
  });
  return id;
}

const ANSWER_CHARACTERS = 200;

/** `answerCallbackQuery`: each query once, and while it is young. */
export function answerTap(bot: Bot, fields: Readonly<Record<string, unknown>>, at: number): Reply {
  const id = String(fields.callback_query_id ?? '');
  const text = String(fields.text ?? '');
  if (text.length > ANSWER_CHARACTERS) return refuse(bot, 400, 'Bad Request: MESSAGE_TOO_LONG');
  if (!bot.queries.delete(id))
    return refuse(bot, 400, 'Bad Request: query is too old and response timeout expired or query ID is invalid');
  bot.taps.push({ query: id, text, alert: String(fields.show_alert) === 'true', at });
  return { ok: true, result: true };
}
