import type { Upload } from './body.ts';
import type { ChatState } from './chats.ts';
import type { SendingLimits } from './limits.ts';
import type { ArrivalRecord, DeliveredMessage } from './record.ts';
import type { UpdateQueue } from './updates.ts';

/** One bot: the state that the methods work on. Bots know nothing of each other. */
export type Bot = {
  token: string;
  username: string;
  record: ArrivalRecord;
  limits: SendingLimits;
  chats: Map<number, ChatState>;
  /** Pictures and documents that were uploaded, by the id that they got. */
  files: Map<string, Upload>;
  /** The clock by which Telegram judges how old a message is. */
  now(): number;
  nextMessageId: number;
  nextQueryId: number;
  updates: UpdateQueue;
  /** Taps that wait for their answer. */
  queries: Set<string>;
  /** The answers to taps. */
  taps: TapAnswer[];
  /** Changes of messages that were made. */
  edits: number;
  /** What `setMyCommands` said last, by language; '' is for all others. */
  commands: Map<string, unknown>;
};

/** How a bot answered a tap. */
export type TapAnswer = { query: string; text: string; alert: boolean; at: number };

/** The body of a Bot API answer (https://core.telegram.org/bots/api#making-requests). */
export type Reply =
  | { ok: true; result: unknown }
  | { ok: false; error_code: number; description: string; parameters?: Record<string, number> };

/** The answer 429 with the wait in seconds. */
export function tooManyRequests(retryAfterSeconds: number): Reply & { ok: false } {
  return {
    ok: false,
    error_code: 429,
    description: `Too Many Requests: retry after ${retryAfterSeconds}`,
    parameters: { retry_after: retryAfterSeconds },
  };
}

export function refuse(bot: Bot, code: number, description: string, parameters?: Record<string, number>): Reply {
  bot.record.refused(description);
  return { ok: false, error_code: code, description, ...(parameters && { parameters }) };
}

export function user(bot: Bot) {
  const id = Number(bot.token.split(':')[0]);
  return { id, is_bot: true, first_name: 'Sandbox', username: bot.username, can_join_groups: true };
}

export function apiMessage(bot: Bot, message: DeliveredMessage) {
  const { message_id, chat_id, visible, at, file, method } = message;
  const chat = { id: chat_id, type: chat_id < 0 ? 'supergroup' : 'private' };
  const from = user(bot);
  const body = file
    ? {
        caption: visible,
        ...(method === 'sendPhoto' ? { photo: sizesOf(bot, file) } : { document: fileFields(file) }),
      }
    : { text: visible, entities: message.entities };
  return { message_id, from, chat, date: Math.floor(at / 1000), ...body };
}

type KeptFile = NonNullable<DeliveredMessage['file']>;

const fileFields = ({ bytes, id, name }: KeptFile) => ({
  ...{ file_id: id, file_unique_id: id },
  ...{ file_name: name, file_size: bytes },
});

/** A thumbnail, and the picture itself last, as Telegram lists them. */
function sizesOf({ files }: Bot, { bytes, id }: KeptFile) {
  const { height = 1, width = 1 } = files.get(id)?.picture ?? {};
  return [
    { file_id: `${id}-thumb`, file_unique_id: `${id}-thumb`, width: 1, height: 1, file_size: 1 },
    { file_id: id, file_unique_id: id, width, height, file_size: bytes },
  ];
}
