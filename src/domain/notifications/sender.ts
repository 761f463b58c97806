import type { DeleteOutcome, SendOutcome, SentFile, TelegramClient } from '../../clients/telegram/client.ts';
import { isUnreachable } from '../../clients/telegram/outcome.ts';
import { seconds } from '../../lib/duration.ts';
import type { RowsOfButtons } from '../../lib/telegram-button.ts';
import type { ParseMode } from '../../lib/telegram-html.ts';
import { partsOf, whyCaptionTooLong, whyTooLong } from '../../messages/size.ts';
import { type MessagePart, splitPlain } from '../../messages/split.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { Answered, Lane, TelegramLimiter } from '../../repositories/redis/notifications/telegram-limiter.ts';

export type OutgoingMessage = {
  /** Under which the sent mark is kept: the row's id or the job's. */
  id: string;
  telegramId: number;
  text: string;
  parseMode: ParseMode;
  lane: Lane;
  /** False keeps Telegram from opening the links in it for a preview; true where absent. */
  preview?: boolean;
  /** Under the message; under its last part, where it goes out in several. */
  buttons?: RowsOfButtons;
  /** The text is its caption then, and leaves as one message. */
  picture?: PictureLoan;
  /** Marked as paid, and sent at the paid rate. */
  paid?: boolean;
  /** HTML of one message, which is sent in place of `text` where Telegram cannot read that. */
  instead?: string | undefined;
};

/** Lends a picture for one send: as a file to upload, or as one that Telegram has already. */
export type PictureLoan = (send: (file: SentFile) => Promise<SendOutcome>) => Promise<SendOutcome>;

/** The paid rate is undefined where nobody set it; what asks for it goes out at the regular one then, unmarked. */
export type SenderLimiters = { regular: TelegramLimiter; paid: TelegramLimiter | undefined };

type Addressed = Pick<OutgoingMessage, 'lane' | 'paid' | 'telegramId'>;

/** The caption is HTML. */
export type OutgoingPhoto = Addressed & {
  file: SentFile;
  caption: string;
};

/**
 * `plain`: it went out without its HTML, wholly or in part, because Telegram said this of it. `replaced`: what went out is its `instead`,
 * because Telegram said this of its text. `parts`: the ids of all of its messages in order, where there are several.
 */
type Arrival = {
  kind: 'sent';
  messageId: number;
  sentAt: Date;
  plain?: string;
  replaced?: string;
  parts?: readonly number[];
};
type Refusal = Extract<SendOutcome, { kind: 'refused' }>;

export type Delivery = Arrival | Refusal;

/** Another run sent this message. */
export type SentBefore = { kind: 'sent_before'; messageId: number };

/** The outcome of a message that does not wait for its chat. `startedAt` is the time at which Telegram got it. */
export type Tried =
  | (Delivery & { startedAt: Date })
  /** Nothing was sent: it is longer than what is sent at all. */
  | (Refusal & { startedAt: undefined })
  /** It is not known or not true that the message arrived. */
  | { kind: 'failed'; error: unknown; startedAt: Date }
  /** This chat has its turn later; nothing was sent and no place in the global rate was used. */
  | { kind: 'chat_busy'; waitMs: number }
  /** Nothing was sent: the turn came too late, or Telegram is down. */
  | { kind: 'too_late' }
  /** Nothing was sent: Redis, which holds the turns, did not give one, or the signal fired. */
  | { kind: 'no_turn'; error: unknown };

/** Reasons to send the same without HTML. A text is too long as it is written where a tag alone is. */
const UNREADABLE: ReadonlySet<string> = new Set(['bad_markup', 'too_long']);

/** A direct send waits at most this long for its turn. */
const DIRECT_TURN_MS = seconds(2);

/**
 * Sends one message under the global rate, in as many parts as it needs, and remembers what Telegram answered. Every method takes the
 * turns that it needs. A 429 pauses every worker for as long as Telegram asks and is then sent again here: it is no attempt.
 */
export class TelegramSender {
  readonly #telegram: TelegramClient;
  readonly #limiters: SenderLimiters;
  readonly #marks: DeliveryMarks;
  readonly #clock: () => Date;

  constructor(telegram: TelegramClient, limiters: SenderLimiters, marks: DeliveryMarks, clock: () => Date) {
    this.#telegram = telegram;
    this.#limiters = limiters;
    this.#marks = marks;
    this.#clock = clock;
  }

  /** True until a call has shown that Telegram answers again. */
  get isDown(): boolean {
    return this.#telegram.breakerState !== 'closed';
  }

  /** How many sends of this process may be in progress at once. */
  get inFlight(): number {
    const { paid, regular } = this.#limiters;
    return Math.max(regular.inFlight, paid?.inFlight ?? 0);
  }

  /** Asks Telegram for a sign of life, so that no message is spent on finding out. */
  async probe(signal: AbortSignal): Promise<boolean> {
    return this.#telegram.probe(signal);
  }

  /**
   * Waits for its turn and sends, unless another run has sent it. Throws `TransientError` where it is not known or not true that the
   * message arrived.
   */
  async send(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery | SentBefore> {
    const tooLong = refusalOf(message);
    if (tooLong) return tooLong;
    const earlier = await this.#marks.sentByNow(message.id, signal);
    if (earlier !== undefined) return { kind: 'sent_before', messageId: earlier };
    const turn = await this.#turn(message, signal);
    // A turn may be long in coming, and the job another worker's by then.
    const meanwhile = await this.#marks.sentByNow(message.id, signal);
    if (meanwhile === undefined) return await this.#sendParts(message, turn, signal);
    turn();
    return { kind: 'sent_before', messageId: meanwhile };
  }

  /** For a message that must go out while Redis is away: where no turn comes within 2 s, it is sent without. Throws as `send` does. */
  async sendDirectly(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery> {
    const tooLong = refusalOf(message);
    if (tooLong) return tooLong;
    const within = AbortSignal.any([signal, AbortSignal.timeout(DIRECT_TURN_MS)]);
    const turn = await this.#turn(message, within).catch(() => NO_TURN);
    return await this.#sendParts(message, turn, signal);
  }

  /**
   * For a row of which nobody else has a claim. Where only the chat's own limit is in the way, another message can go first. `isTooLate`
   * is asked before the turn and again when it has come: a turn may be long in coming. Never throws.
   */
  async sendUnlessChatBusy(message: OutgoingMessage, isTooLate: () => boolean, signal: AbortSignal): Promise<Tried> {
    if (this.isDown || isTooLate()) return { kind: 'too_late' };
    const tooLong = refusalOf(message);
    if (tooLong) return { ...tooLong, startedAt: undefined };
    let turn: Answered;
    try {
      const asked = { chatId: message.telegramId, lane: message.lane };
      const grant = await this.#limiterOf(message).acquireUnlessChatBusy(asked, signal);
      if (grant.kind === 'chat_busy') return grant;
      turn = grant.answered;
    } catch (error) {
      return { kind: 'no_turn', error };
    }
    if (this.isDown || isTooLate()) {
      turn();
      return { kind: 'too_late' };
    }
    const startedAt = this.#clock();
    try {
      return { ...(await this.#sendParts(message, turn, signal)), startedAt };
    } catch (error) {
      return { kind: 'failed', error, startedAt };
    }
  }

  /** Waits for its turn and sends a picture, once: whether it was sent before is the caller's to know. */
  async sendPhoto(photo: OutgoingPhoto, signal: AbortSignal): Promise<Delivery> {
    const { caption, file, telegramId: chatId } = photo;
    const turn = await this.#turn(photo, signal);
    return await this.#untilAllowed(photo, turn, signal, (again) =>
      this.#telegram.sendPhoto({ chatId, file, caption, again }, signal),
    );
  }

  /** Waits for its turn and deletes a message of this bot. */
  async deleteMessage(chatId: number, messageId: number, signal: AbortSignal): Promise<NotRateLimited<DeleteOutcome>> {
    const to = { telegramId: chatId, lane: 'normal' } as const;
    const turn = await this.#turn(to, signal);
    return await this.#unlimited(to, turn, signal, () => this.#telegram.deleteMessage(chatId, messageId, signal));
  }

  /** Resolves with what is to be called at the answer. */
  async #turn(
    { lane, telegramId: chatId, ...to }: Addressed,
    signal: AbortSignal,
    isRepeat = false,
  ): Promise<Answered> {
    return await this.#limiterOf(to).acquire({ chatId, lane, isRepeat }, signal);
  }

  /** The same for a message that Telegram has just refused and gets in another form. Where Redis gives no turn, it goes without. */
  async #turnAgain(to: Addressed, signal: AbortSignal): Promise<Answered> {
    try {
      return await this.#turn(to, signal, true);
    } catch {
      signal.throwIfAborted();
      return NO_TURN;
    }
  }

  #limiterOf({ paid }: Pick<Addressed, 'paid'>): TelegramLimiter {
    return (paid ? this.#limiters.paid : undefined) ?? this.#limiters.regular;
  }

  /** The first part has its turn already. Parts that an earlier run sent are left out. */
  async #sendParts(message: OutgoingMessage, first: Answered, signal: AbortSignal): Promise<Delivery> {
    if (message.picture) return await this.#sendCaptioned(message, message.picture, first, signal);
    let turn: Answered | undefined = first;
    const parts = partsOf(message.text.toWellFormed(), message.parseMode);
    let arrived: Arrival | undefined;
    const ids: number[] = [];
    for (const [part, texts] of parts.entries()) {
      const isSplit = parts.length > 1;
      const before = isSplit ? await this.#marks.sentPart(message.id, part) : undefined;
      if (before !== undefined) {
        ids.push(before);
        continue;
      }
      turn ??= await this.#turn(message, signal);
      const { buttons, ...bare } = message;
      const isLast = part === parts.length - 1;
      const delivery = await this.#sendPart(isLast ? message : bare, texts, `${message.id}.${part}`, turn, signal);
      turn = undefined;
      if (delivery.kind === 'refused') return delivery;
      arrived = together(arrived, delivery);
      ids.push(...(delivery.parts ?? [delivery.messageId]));
      if (isSplit) await this.#marks.markSent(message.id, arrived.messageId, part);
    }
    turn?.();
    const last: Arrival = arrived ?? { kind: 'sent', messageId: ids.at(-1) ?? 0, sentAt: this.#clock() };
    const sent: Arrival = ids.length > 1 ? { ...last, parts: ids } : last;
    // Telegram has it. With Redis gone now, an error here would have the message sent again; the database write follows anyway.
    await this.#marks.noteSent(message.id, sent.messageId);
    return sent;
  }

  /** Where Telegram cannot read the HTML, the part goes out without, in as many messages as that needs. */
  async #sendPart(
    message: OutgoingMessage,
    part: MessagePart,
    id: string,
    turn: Answered,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const first = await this.#sendText(message, part, message.parseMode, turn, signal);
    const isUnreadable = first.kind === 'refused' && UNREADABLE.has(first.reason) && message.parseMode === 'HTML';
    if (!isUnreadable) return first;
    if (message.instead !== undefined) {
      const { instead, ...other } = message;
      const [text] = partsOf(instead, 'HTML');
      const again = await this.#turnAgain(message, signal);
      const delivery = await this.#sendPart({ ...other, text: instead }, text!, id, again, signal);
      return delivery.kind === 'sent' ? { ...delivery, replaced: first.description } : delivery;
    }
    let arrived: Arrival | undefined;
    const ids: number[] = [];
    const texts = splitPlain(part.plain);
    const { buttons, ...bare } = message;
    let isRepeat = true;
    for (const [i, text] of texts.entries()) {
      const before = await this.#marks.sentPart(id, i);
      if (before !== undefined) {
        ids.push(before);
        continue;
      }
      const next = isRepeat ? await this.#turnAgain(message, signal) : await this.#turn(message, signal);
      isRepeat = false;
      const to = i === texts.length - 1 ? message : bare;
      const delivery = await this.#sendText(to, { text, plain: text }, 'none', next, signal);
      if (delivery.kind === 'refused') return delivery;
      arrived = together(arrived, { ...delivery, plain: first.description });
      ids.push(delivery.messageId);
      await this.#marks.markSent(id, arrived.messageId, i);
    }
    const last = arrived ?? {
      ...({ kind: 'sent', messageId: ids.at(-1) ?? 0 } as const),
      ...{ sentAt: this.#clock(), plain: first.description },
    };
    return ids.length > 1 ? { ...last, parts: ids } : last;
  }

  #sendText(
    message: OutgoingMessage,
    part: MessagePart,
    parseMode: ParseMode,
    turn: Answered,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { instead, preview } = message;
    const whole = instead === undefined ? part : { ...part, plain: null };
    const text = { ...this.#common(message), ...whole, parseMode, ...(preview !== undefined && { preview }) };
    return this.#untilAllowed(message, turn, signal, (again) => this.#telegram.sendMessage({ ...text, again }, signal));
  }

  async #sendCaptioned(
    message: OutgoingMessage,
    lend: PictureLoan,
    turn: Answered,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { parseMode, text: caption } = message;
    const common = { ...this.#common(message), parseMode };
    const delivery = await this.#untilAllowed(message, turn, signal, (again) =>
      lend((file) => this.#telegram.sendPhoto({ ...common, file, caption, again }, signal)),
    );
    if (delivery.kind === 'sent') await this.#marks.noteSent(message.id, delivery.messageId);
    return delivery;
  }

  #common({ buttons, paid, telegramId: chatId }: OutgoingMessage) {
    const isMarked = paid && this.#limiters.paid !== undefined;
    return { chatId, ...(buttons && { buttons }), ...(isMarked && { paid: true }) };
  }

  /** The one place that every answer passes: what it says of the chat is remembered here. */
  async #untilAllowed(to: Addressed, turn: Answered, signal: AbortSignal, send: Send<SendOutcome>): Promise<Delivery> {
    const outcome = await this.#unlimited(to, turn, signal, send);
    if (outcome.kind === 'sent') {
      const sentAt = this.#clock();
      // Not waited for: a silent Redis would hold up the record that this one arrived, once more for each command.
      void this.#marks.noteReached(to.telegramId);
      const { messageId, plain } = outcome;
      return { kind: 'sent', messageId, sentAt, ...(plain !== undefined && { plain }) };
    }
    // Without Redis it is not remembered, which costs one call more for the next message.
    if (isUnreachable(outcome.reason))
      await this.#marks.markUnreachable(to.telegramId, outcome.reason).catch(() => undefined);
    return outcome;
  }

  /** Calls again after each pause that Telegram asks for. Each call has a turn of its own, which ends with its answer. */
  async #unlimited<T extends { kind: string }>(
    to: Addressed,
    turn: Answered,
    signal: AbortSignal,
    call: Send<T>,
  ): Promise<NotRateLimited<T>> {
    let answered = turn;
    const again = async (): Promise<void> => {
      answered();
      answered = await this.#turnAgain(to, signal);
    };
    for (;;) {
      const outcome = await call(again).finally(() => answered());
      if (!isRateLimited(outcome)) return outcome as NotRateLimited<T>;
      await this.#limiters.regular.pause(outcome.retryAfterMs);
      answered = await this.#turn(to, signal);
    }
  }
}

/** `again` waits for a further turn: Telegram has refused the message, and gets it in another form. */
type Send<T> = (again: () => Promise<void>) => Promise<T>;

/** Without Redis a message goes out without a turn. */
const NO_TURN: Answered = () => undefined;

type RateLimited = Extract<SendOutcome, { kind: 'rate_limited' }>;
type NotRateLimited<T extends { kind: string }> = Exclude<T, { kind: 'rate_limited' }>;

const isRateLimited = (outcome: { kind: string }): outcome is RateLimited => outcome.kind === 'rate_limited';

/** The newest message, and the first reason to send one without HTML. */
function together(before: Arrival | undefined, { plain: why, ...newest }: Arrival): Arrival {
  const plain = before?.plain ?? why;
  return { ...before, ...newest, ...(plain !== undefined && { plain }) };
}

/** Ours, in the form of Telegram's: nothing of such a message is sent. */
function refusalOf({ parseMode, picture, text }: OutgoingMessage): Refusal | undefined {
  const why = picture ? whyCaptionTooLong(text) : whyTooLong(text, parseMode);
  return why === undefined ? undefined : { kind: 'refused', reason: 'too_long', description: `the text ${why}` };
}
