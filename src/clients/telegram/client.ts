import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import type { RowsOfButtons } from '../../lib/telegram-button.ts';
import { type ParseMode, plainText } from '../../lib/telegram-html.ts';
import { type BreakerState, type ClientObserver, ClientPolicy } from '../policy.ts';
import { BotApi, type Grammy, type GrammySignal } from './bot-api.ts';
import { ApiRefusal } from './errors.ts';
import { type DeleteOutcome, isAboutButtons, notDeletedReason, permanentReason, type SendOutcome } from './outcome.ts';

export type { DeleteOutcome, SendOutcome } from './outcome.ts';

type Common = {
  /** Negative: a group or channel. */
  chatId: number;
  /** `HTML` by default. */
  parseMode?: ParseMode;
  /** Rows of buttons. Where Telegram refuses them, the message goes without. */
  buttons?: RowsOfButtons;
  /** Arrives without a sound. */
  silent?: boolean;
  /** `allow_paid_broadcast`: above the regular rate, each message costs 0.1 Stars of the bot's balance. */
  paid?: boolean;
  /** Awaited before the message is sent in another form after a refusal: each request needs a turn. */
  again?: () => Promise<void>;
};

/** At most 4096 visible characters; see `messages/split.ts`. */
export type TextMessage = Common & {
  text: string;
  /**
   * Sent where Telegram cannot read the HTML of `text`; without it, that text as `plainText` has it. With null nothing is sent then: the
   * caller has something better.
   */
  plain?: string | null;
  /** False: Telegram opens no link in it to show a preview. True by default. */
  preview?: boolean;
};

/** Visible characters of a text and of a caption, in UTF-16 units (https://core.telegram.org/bots/api#sendmessage, #sendphoto). */
const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;

/** A file to be uploaded, or one that Telegram has already, by the `file_id` that it gave this bot. */
export type SentFile = { name: string; bytes: Uint8Array } | { id: string };

/** A caption has at most 1024 visible characters. */
export type FileMessage = Common & { file: SentFile; caption?: string };

export type TelegramOptions = {
  token: string;
  /** The variable that the token is from, for errors; that of the shop's bot by default. */
  variable?: string;
  /** For metrics and errors: `telegram` by default. */
  service?: string;
  observer: ClientObserver;
  /** Another Bot API server: a local one, or the sandbox. */
  apiRoot?: string | undefined;
  /** Breaker and time limit, where a test needs them shorter. */
  timeLimitMs?: number;
  slowAfterMs?: number;
  halfOpenAfterMs?: number;
};

/** The parts of the answers that are read. */
const Sent = z.object({
  message_id: z.int(),
  /** The sizes of a picture, the largest last. An odd value counts as absent: the message is out. */
  photo: z
    .array(z.object({ file_id: z.string().min(1) }))
    .optional()
    .catch(undefined),
});
/** `deleteMessage` answers just this. */
const Done = z.literal(true);

/** A text that Telegram may not be able to read, and the same without HTML. Telegram takes `most` characters of the latter. */
type Body = { html: string; plain: () => string | null; most: number };

/**
 * Sends through the Bot API (https://core.telegram.org/bots/api). What Telegram decides permanently is a value. No answer is a
 * `TransientError` (`telegram_unavailable`, `telegram_timeout`: the message may have arrived) or a `BreakerOpenError` (nothing was sent);
 * so is a refusal that is not known to be permanent (`telegram_refused`: nothing was sent). An invalid token is a `PermanentError`. No
 * error ever contains the token.
 */
export class TelegramClient implements Disposable {
  readonly #api: BotApi;
  readonly #policy: ClientPolicy;

  constructor({
    apiRoot,
    observer,
    service = 'telegram',
    token,
    variable = 'TELEGRAM_BOT_TOKEN',
    ...limits
  }: TelegramOptions) {
    this.#api = new BotApi({ token, variable, apiRoot });
    this.#policy = new ClientPolicy({
      service,
      observer,
      timeLimitMs: seconds(20),
      slowAfterMs: seconds(4),
      ...limits,
    });
  }

  get breakerState(): BreakerState {
    return this.#policy.state;
  }

  async sendMessage(message: TextMessage, signal: AbortSignal): Promise<SendOutcome> {
    const options = message.preview === false ? { link_preview_options: { is_disabled: true } } : {};
    const { plain, text } = message;
    const body = { html: text, plain: () => (plain === undefined ? plainText(text) : plain), most: MAX_TEXT };
    return await this.#send('sendMessage', message, body, signal, (text) => ({ text, ...options }));
  }

  async sendPhoto(message: FileMessage, signal: AbortSignal): Promise<SendOutcome> {
    const { file } = message;
    const html = message.caption ?? '';
    const body = { html, plain: () => plainText(html), most: MAX_CAPTION };
    return await this.#send('sendPhoto', message, body, signal, (caption, { InputFile }) => ({
      caption,
      photo: 'id' in file ? file.id : new InputFile(file.bytes, file.name),
    }));
  }

  /** Deletes a message that this bot sent up to 48 hours ago. A lost answer and one that says nothing are thrown as by `sendMessage`. */
  async deleteMessage(chatId: number, messageId: number, signal: AbortSignal): Promise<DeleteOutcome> {
    try {
      const call = { endpoint: 'deleteMessage', signal, result: Done };
      await this.#api.call(this.#policy, call, ({ raw }, ownSignal) =>
        raw.deleteMessage({ chat_id: chatId, message_id: messageId }, ownSignal),
      );
      return { kind: 'deleted' };
    } catch (error) {
      if (error instanceof ApiRefusal) return asDeleteOutcome(error);
      throw error;
    }
  }

  /** The bot itself. Fails with `telegram_token_invalid` where the token opens nothing. */
  async getMe(signal: AbortSignal): Promise<{ id: number; username: string }> {
    return await this.#api.getMe(this.#policy, signal);
  }

  /** Whether Telegram answers. Goes through the breaker, so that a probe is what closes it and no message is spent on that. */
  async probe(signal: AbortSignal): Promise<boolean> {
    try {
      await this.getMe(signal);
      return true;
    } catch (error) {
      if (error instanceof TransientError) return false;
      throw error;
    }
  }

  /** Closes idle connections. */
  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }

  /**
   * Sends, and at most once each: follows a group to its new id (`migrate_to_chat_id`), leaves out buttons that Telegram refuses, and
   * repeats as plain text what Telegram could not read as HTML, unless that has more characters than a message. All come after a refusal,
   * so nothing is sent twice.
   */
  async #send(
    method: 'sendMessage' | 'sendPhoto',
    message: Common,
    { html, most, plain }: Body,
    signal: AbortSignal,
    content: (text: string, grammy: Grammy) => object,
  ): Promise<SendOutcome> {
    const send = async (to: Common, body: string, why?: string): Promise<SendOutcome | ApiRefusal> => {
      try {
        const call = { endpoint: method, signal, result: Sent };
        const sent = await this.#api.call(this.#policy, call, (grammy, ownSignal) => {
          const api = grammy.raw[method] as (fields: object, signal: GrammySignal) => Promise<unknown>;
          return api({ ...commonFields(to), ...content(body, grammy) }, ownSignal);
        });
        const fileId = sent.photo?.at(-1)?.file_id;
        return {
          ...{ kind: 'sent', messageId: sent.message_id },
          ...(why !== undefined && { plain: why }),
          ...(fileId !== undefined && { fileId }),
        };
      } catch (error) {
        if (error instanceof ApiRefusal) return error;
        throw error;
      }
    };

    let to: Common = message;
    let body = html;
    let why: string | undefined;
    for (;;) {
      const outcome = await send(to, body, why);
      if (!(outcome instanceof ApiRefusal)) return outcome;
      if (outcome.migrateToChatId !== undefined && to.chatId === message.chatId) {
        to = { ...to, chatId: outcome.migrateToChatId };
        await message.again?.();
        continue;
      }
      if (to.buttons && isAboutButtons(outcome)) {
        const { buttons: _, ...without } = to;
        to = without;
        await message.again?.();
        continue;
      }
      const isUnreadable = permanentReason(outcome) === 'bad_markup' && to.parseMode !== 'none';
      const withoutHtml = isUnreadable ? plain() : '';
      if (!isUnreadable || withoutHtml === null || withoutHtml.length > most) return asOutcome(outcome);
      to = { ...to, parseMode: 'none' };
      body = withoutHtml;
      why = outcome.description;
      await message.again?.();
    }
  }
}

function commonFields({ chatId, parseMode = 'HTML', buttons, paid, silent }: Common) {
  return {
    chat_id: chatId,
    ...(parseMode === 'HTML' && { parse_mode: parseMode }),
    ...(buttons && buttons.length > 0 && { reply_markup: keyboardOf(buttons) }),
    ...(silent && { disable_notification: true }),
    ...(paid && { allow_paid_broadcast: true }),
  };
}

/** The Bot API's form of rows of buttons. */
export const keyboardOf = (rows: RowsOfButtons) => ({
  inline_keyboard: rows.map((row) =>
    row.map((button) => ('url' in button ? button : { text: button.text, callback_data: button.data })),
  ),
});

/** Throws where the refusal is not known to be permanent. */
function asOutcome(refusal: ApiRefusal): SendOutcome {
  if (refusal.status === 429) return rateLimited(refusal);
  const reason = permanentReason(refusal);
  if (reason) return { kind: 'refused', reason, description: refusal.description };
  throw notKnown(refusal);
}

/** The same for a message that was to be deleted. */
function asDeleteOutcome(refusal: ApiRefusal): DeleteOutcome {
  if (refusal.status === 429) return rateLimited(refusal);
  const reason = notDeletedReason(refusal);
  if (reason) return { kind: 'not_deleted', reason };
  throw notKnown(refusal);
}

const rateLimited = ({ retryAfterSeconds }: ApiRefusal) =>
  ({ kind: 'rate_limited', retryAfterMs: Math.max(seconds(1), seconds(retryAfterSeconds ?? 1)) }) as const;

const notKnown = ({ message, status }: ApiRefusal): TransientError =>
  Object.assign(new TransientError('telegram_refused', `${message}; not known to be permanent, so it is tried again`), {
    status,
  });
