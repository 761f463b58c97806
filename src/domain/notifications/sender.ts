import type { FileMessage, SendOutcome, TelegramClient } from '../../clients/telegram/client.ts';
import { split } from '../../messages/split.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { Lane, TelegramLimiter } from '../../repositories/redis/notifications/telegram-limiter.ts';

export type OutgoingMessage = {
  /** Under which the sent mark is kept: the row's id or the job's. */
  id: string;
  telegramId: number;
  text: string;
  parseMode: 'HTML' | 'none';
  lane: Lane;
  /** False keeps Telegram from opening the links in it for a preview; true where absent. */
  preview?: boolean;
};

/** The caption is HTML. */
export type OutgoingPhoto = Pick<OutgoingMessage, 'telegramId' | 'lane'> & {
  file: FileMessage['file'];
  caption: string;
};

export type Delivery =
  | { kind: 'sent'; messageId: number; sentAt: Date }
  | { kind: 'refused'; reason: Extract<SendOutcome, { kind: 'refused' }>['reason']; description: string }
  /** This chat has its turn later; nothing was sent and no place in the global rate was used. */
  | { kind: 'chat_busy'; waitMs: number };

/** Reasons that hold for every message to this chat, not just for this one. */
const UNREACHABLE: ReadonlySet<string> = new Set(['blocked', 'deactivated', 'kicked', 'chat_not_found']);

/** Sends one message under the global rate, in as many parts as it needs, and remembers what Telegram answered. */
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

  /** Waits for the global rate's next place for this chat. With `waitForChat: false` a chat whose turn is later is reported at once. */
  async turn(
    message: Pick<OutgoingMessage, 'telegramId' | 'lane'>,
    waitForChat: boolean,
    signal: AbortSignal,
  ): Promise<Delivery | undefined> {
    const { telegramId: chatId, lane } = message;
    if (waitForChat) {
      await this.#limiter.acquire({ chatId, lane }, signal);
      return undefined;
    }
    const grant = await this.#limiter.acquireUnlessChatBusy({ chatId, lane }, signal);
    return grant.kind === 'chat_busy' ? grant : undefined;
  }

  /**
   * Sends. The caller has waited for its `turn`. A 429 pauses every worker for as long as Telegram asks and is then sent again here: it
   * is no attempt. Throws `TransientError` where it is not known or not true that the message arrived.
   */
  async send(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery> {
    const parts = message.parseMode === 'HTML' ? split(message.text) : [message.text];
    let last: Delivery | undefined;
    for (const [part, text] of parts.entries()) {
      const isSplit = parts.length > 1;
      if (isSplit && (await this.#marks.sentPart(message.id, part))) continue;
      if (part > 0) await this.turn(message, true, signal);
      last = await this.#sendPart(message, text, signal);
      if (last.kind !== 'sent') return this.#refused(message, last);
      if (isSplit) await this.#marks.markSent(message.id, last.messageId, part);
    }
    const sent = last ?? { kind: 'sent' as const, messageId: 0, sentAt: new Date() };
    // Telegram has it. Were Redis gone now, an error here would make the message be sent again; the database write follows anyway.
    if (sent.kind === 'sent') await this.#marks.noteSent(message.id, sent.messageId);
    return sent;
  }

  /** Waits for its turn and sends a picture, once: whether it was sent before is the caller's to know. */
  async sendPhoto(photo: OutgoingPhoto, signal: AbortSignal): Promise<Delivery> {
    const { caption, file, telegramId: chatId } = photo;
    await this.turn(photo, true, signal);
    return this.#untilAllowed(photo, signal, () => this.#telegram.sendPhoto({ chatId, file, caption }, signal));
  }

  #sendPart(message: OutgoingMessage, text: string, signal: AbortSignal): Promise<Delivery> {
    const { parseMode, preview, telegramId: chatId } = message;
    const part = { chatId, text, parseMode, ...(preview !== undefined && { preview }) };
    return this.#untilAllowed(message, signal, () => this.#telegram.sendMessage(part, signal));
  }

  async #untilAllowed(
    message: Pick<OutgoingMessage, 'telegramId' | 'lane'>,
    signal: AbortSignal,
    send: () => Promise<SendOutcome>,
  ): Promise<Delivery> {
    for (;;) {
      const outcome = await send();
      if (outcome.kind === 'sent') return { kind: 'sent', messageId: outcome.messageId, sentAt: new Date() };
      if (outcome.kind === 'refused') return outcome;
      await this.#limiter.pause(outcome.retryAfterMs);
      await this.turn(message, true, signal);
    }
  }

  async #refused(message: OutgoingMessage, delivery: Delivery): Promise<Delivery> {
    if (delivery.kind === 'refused' && UNREACHABLE.has(delivery.reason)) {
      await this.#marks.markUnreachable(message.telegramId, delivery.reason);
    }
    return delivery;
  }
}
