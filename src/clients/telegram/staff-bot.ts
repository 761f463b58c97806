import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import type { RowsOfButtons } from '../../lib/telegram-button.ts';
import { type ClientObserver, ClientPolicy } from '../policy.ts';
import { BotApi, type BotApiOptions } from './bot-api.ts';
import { keyboardOf } from './client.ts';
import { ApiRefusal } from './errors.ts';

/** Longer than the server's own wait, so that an idle poll is no failure. */
const POLL_SECONDS = 25;
const POLL_LIMIT_MS = seconds(POLL_SECONDS + 10);
const CALL_LIMIT_MS = seconds(10);

const Person = z.object({
  id: z.int(),
  username: z.string().optional().catch(undefined),
  language_code: z.string().optional().catch(undefined),
});
const Chat = z.object({ id: z.int() });
/** The fields of an update that are read. An odd one keeps its number and is nothing. */
const Update = z.object({
  update_id: z.int(),
  message: z.object({ chat: Chat, from: Person, text: z.string() }).optional().catch(undefined),
  callback_query: z
    .object({
      id: z.string(),
      from: Person,
      data: z.string().optional(),
      message: z.object({ chat: Chat, message_id: z.int() }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

const Updates = z.array(Update);

/** One event of the staff's bot. */
type HeardUpdate = z.output<typeof Update>;

export type StaffBotOptions = BotApiOptions & {
  observer: ClientObserver;
  /** Seconds that a poll waits at the server, where a test wants another time. */
  pollSeconds?: number | undefined;
};

/**
 * The half of the staff's bot that listens and answers; `TelegramClient` with the same token is the half that sends. Polls have a policy
 * of their own: one that waits is not slow. Throws what `TelegramClient` throws.
 */
export class StaffBot implements Disposable {
  readonly #api: BotApi;
  readonly #polls: ClientPolicy;
  readonly #calls: ClientPolicy;
  readonly #pollSeconds: number;

  constructor({ observer, pollSeconds = POLL_SECONDS, ...bot }: StaffBotOptions) {
    this.#api = new BotApi(bot);
    this.#pollSeconds = pollSeconds;
    this.#polls = new ClientPolicy({ service: 'telegram_staff_polls', observer, timeLimitMs: POLL_LIMIT_MS });
    this.#calls = new ClientPolicy({ service: 'telegram_staff_answers', observer, timeLimitMs: CALL_LIMIT_MS });
  }

  /** The bot itself. */
  async getMe(signal: AbortSignal): Promise<{ id: number; username: string }> {
    return await this.#api.getMe(this.#calls, signal);
  }

  /** Waits for updates from `offset` on, which confirms all before it. Empty where none came in time. */
  async updates(offset: number, signal: AbortSignal): Promise<HeardUpdate[]> {
    const allowed_updates = ['message', 'callback_query'] as const;
    const poll = { offset, timeout: this.#pollSeconds, allowed_updates };
    const call = { endpoint: 'getUpdates', signal, result: Updates, idempotent: true };
    return await this.#api.call(this.#polls, call, ({ raw }, ownSignal) => raw.getUpdates(poll, ownSignal));
  }

  /** Ends the waiting of the person who tapped, with a sentence of at most 200 characters. False where the tap is too old for an answer. */
  async answerTap(id: string, text: string, signal: AbortSignal): Promise<boolean> {
    const answer = { callback_query_id: id, text, show_alert: text.length > SHOWN_BRIEFLY };
    return await this.#unlessRefused('answerCallbackQuery', signal, ({ raw }, own) =>
      raw.answerCallbackQuery(answer, own),
    );
  }

  /** Writes another text and other buttons into a message. False where nothing was changed: it says so already, or is gone. */
  async edit(
    { chatId, messageId, text, buttons }: { chatId: number; messageId: number; text: string; buttons: RowsOfButtons },
    signal: AbortSignal,
  ): Promise<boolean> {
    const fields = {
      ...{ chat_id: chatId, message_id: messageId, text, parse_mode: 'HTML' as const },
      link_preview_options: { is_disabled: true },
      reply_markup: keyboardOf(buttons),
    };
    return await this.#unlessRefused('editMessageText', signal, ({ raw }, own) => raw.editMessageText(fields, own));
  }

  /** Puts commands into the menu, for readers of one language; without one, for all others. */
  async setCommands(
    commands: readonly { command: string; description: string }[],
    language: 'ru' | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const fields = { commands: [...commands], ...(language && { language_code: language }) };
    const call = { endpoint: 'setMyCommands', signal, result: z.unknown(), idempotent: true };
    await this.#api.call(this.#calls, call, ({ raw }, own) => raw.setMyCommands(fields, own));
  }

  /** Closes idle connections. */
  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }

  async #unlessRefused(endpoint: string, signal: AbortSignal, send: Parameters<BotApi['call']>[2]): Promise<boolean> {
    try {
      await this.#api.call(this.#calls, { endpoint, signal, result: z.unknown(), idempotent: true }, send);
      return true;
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 400) return false;
      throw error;
    }
  }
}

/** A longer answer is shown until it is closed: it would be gone before it is read. */
const SHOWN_BRIEFLY = 60;
