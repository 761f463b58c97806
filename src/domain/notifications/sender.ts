import type { FileMessage, SendOutcome, TelegramClient } from '../../clients/telegram/client.ts';
import { isUnreachable } from '../../clients/telegram/outcome.ts';
import { seconds } from '../../lib/duration.ts';
import type { RowsOfButtons } from '../../lib/telegram-button.ts';
import type { ParseMode } from '../../lib/telegram-html.ts';
import { partsOf, whyTooLong } from '../../messages/size.ts';
import { type MessagePart, splitPlain } from '../../messages/split.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { Lane, TelegramLimiter } from '../../repositories/redis/notifications/telegram-limiter.ts';

export type OutgoingMessage = {
  /** Under which the sent mark is kept: the row's id or the job's. */
  id: string;
  telegramId: number;
  text: string;
  parseMode: ParseMode;
  lane: Lane;
  /** False keeps Telegram from opening the links in it for a preview; true where absent. */
  preview?: boolean;
  /** Under the last part. */
  buttons?: RowsOfButtons;
};

type Addressed = Pick<OutgoingMessage, 'telegramId' | 'lane'>;

/** The caption is HTML. */
export type OutgoingPhoto = Addressed & {
  file: FileMessage['file'];
  caption: string;
};

/** `plain`: it went out without its HTML, wholly or in part, because Telegram said this of it. */
type Arrival = { kind: 'sent'; messageId: number; sentAt: Date; plain?: string };
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
  readonly #limiter: TelegramLimiter;
  readonly #marks: DeliveryMarks;

  constructor(telegram: TelegramClient, limiter: TelegramLimiter, marks: DeliveryMarks) {
    this.#telegram = telegram;
    this.#limiter = limiter;
    this.#marks = marks;
  }

  /** True until a call has shown that Telegram answers again. */
  get isDown(): boolean {
    return this.#telegram.breakerState !== 'closed';
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
    await this.#turn(message, signal);
    // A turn may be long in coming, and the job another worker's by then.
    const meanwhile = await this.#marks.sentByNow(message.id, signal);
    if (meanwhile !== undefined) return { kind: 'sent_before', messageId: meanwhile };
    return await this.#sendParts(message, signal);
  }

  /** For a message that must go out while Redis is away: where no turn comes within 2 s, it is sent without. Throws as `send` does. */
  async sendDirectly(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery> {
    const tooLong = refusalOf(message);
    if (tooLong) return tooLong;
    const within = AbortSignal.any([signal, AbortSignal.timeout(DIRECT_TURN_MS)]);
    await this.#turn(message, within).catch(() => undefined);
    return await this.#sendParts(message, signal);
  }

  /**
   * For a row of which nobody else has a claim. Where only the chat's own limit is in the way, another message can go first. `isTooLate`
   * is asked before the turn and again when it has come: a turn may be long in coming. Never throws.
   */
  async sendUnlessChatBusy(message: OutgoingMessage, isTooLate: () => boolean, signal: AbortSignal): Promise<Tried> {
    if (this.isDown || isTooLate()) return { kind: 'too_late' };
    const tooLong = refusalOf(message);
    if (tooLong) return { ...tooLong, startedAt: undefined };
    try {
      const turn = { chatId: message.telegramId, lane: message.lane };
      const grant = await this.#limiter.acquireUnlessChatBusy(turn, signal);
      if (grant.kind === 'chat_busy') return grant;
    } catch (error) {
      return { kind: 'no_turn', error };
    }
    if (this.isDown || isTooLate()) return { kind: 'too_late' };
    const startedAt = new Date();
    try {
      return { ...(await this.#sendParts(message, signal)), startedAt };
    } catch (error) {
      return { kind: 'failed', error, startedAt };
    }
  }

  /** Waits for its turn and sends a picture, once: whether it was sent before is the caller's to know. */
  async sendPhoto(photo: OutgoingPhoto, signal: AbortSignal): Promise<Delivery> {
    const { caption, file, telegramId: chatId } = photo;
    await this.#turn(photo, signal);
    return await this.#untilAllowed(photo, signal, () => this.#telegram.sendPhoto({ chatId, file, caption }, signal));
  }

  async #turn({ lane, telegramId: chatId }: Addressed, signal: AbortSignal): Promise<void> {
    await this.#limiter.acquire({ chatId, lane }, signal);
  }

  /** The first part has its turn already. Parts that an earlier run sent are left out. */
  async #sendParts(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery> {
    const parts = partsOf(message.text.toWellFormed(), message.parseMode);
    let arrived: Arrival | undefined;
    for (const [part, texts] of parts.entries()) {
      const isSplit = parts.length > 1;
      if (isSplit && (await this.#marks.sentPart(message.id, part))) continue;
      if (part > 0) await this.#turn(message, signal);
      const { buttons: _, ...bare } = message;
      const sending = part === parts.length - 1 ? message : bare;
      const delivery = await this.#sendPart(sending, texts, `${message.id}.${part}`, signal);
      if (delivery.kind === 'refused') return delivery;
      arrived = together(arrived, delivery);
      if (isSplit) await this.#marks.markSent(message.id, arrived.messageId, part);
    }
    const sent: Arrival = arrived ?? { kind: 'sent', messageId: 0, sentAt: new Date() };
    // Telegram has it. With Redis gone now, an error here would have the message sent again; the database write follows anyway.
    await this.#marks.noteSent(message.id, sent.messageId);
    return sent;
  }

  /** Where Telegram cannot read the HTML, the part goes out without, in as many messages as that needs. */
  async #sendPart(message: OutgoingMessage, part: MessagePart, id: string, signal: AbortSignal): Promise<Delivery> {
    const first = await this.#sendText(message, part, message.parseMode, signal);
    const isUnreadable = first.kind === 'refused' && UNREADABLE.has(first.reason) && message.parseMode === 'HTML';
    if (!isUnreadable) return first;
    let arrived: Arrival | undefined;
    for (const [i, text] of splitPlain(part.plain).entries()) {
      if (await this.#marks.sentPart(id, i)) continue;
      if (i > 0) await this.#turn(message, signal);
      const delivery = await this.#sendText(message, { text, plain: text }, 'none', signal);
      if (delivery.kind === 'refused') return delivery;
      arrived = together(arrived, { ...delivery, plain: first.description });
      await this.#marks.markSent(id, arrived.messageId, i);
    }
    return arrived ?? { kind: 'sent', messageId: 0, sentAt: new Date(), plain: first.description };
  }

  #sendText(message: OutgoingMessage, part: MessagePart, parseMode: ParseMode, signal: AbortSignal): Promise<Delivery> {
    const { buttons, preview, telegramId: chatId } = message;
    const extras = { ...(preview !== undefined && { preview }), ...(buttons && { buttons }) };
    const text = { chatId, ...part, parseMode, ...extras };
    return this.#untilAllowed(message, signal, () => this.#telegram.sendMessage(text, signal));
  }

  /** The one place that every answer passes: what it says of the chat is remembered here. */
  async #untilAllowed(to: Addressed, signal: AbortSignal, send: () => Promise<SendOutcome>): Promise<Delivery> {
    for (;;) {
      const outcome = await send();
      if (outcome.kind === 'sent') {
        const sentAt = new Date();
        await this.#marks.noteReached(to.telegramId);
        return { ...outcome, sentAt };
      }
      if (outcome.kind === 'refused') {
        // Without Redis it is not remembered, which costs one call more for the next message.
        if (isUnreachable(outcome.reason))
          await this.#marks.markUnreachable(to.telegramId, outcome.reason).catch(() => undefined);
        return outcome;
      }
      await this.#limiter.pause(outcome.retryAfterMs);
      await this.#turn(to, signal);
    }
  }
}

/** The newest message, and the first reason to send one without HTML. */
function together(before: Arrival | undefined, { plain: why, ...newest }: Arrival): Arrival {
  const plain = before?.plain ?? why;
  return { ...newest, ...(plain !== undefined && { plain }) };
}

/** Ours, in the form of Telegram's: nothing of such a message is sent. */
function refusalOf({ parseMode, text }: OutgoingMessage): Refusal | undefined {
  const why = whyTooLong(text, parseMode);
  return why === undefined ? undefined : { kind: 'refused', reason: 'too_long', description: `the text ${why}` };
}
