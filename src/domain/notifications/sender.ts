import type { FileMessage, SendOutcome, TelegramClient } from '../../clients/telegram/client.ts';
import { isUnreachable } from '../../clients/telegram/outcome.ts';
import { seconds } from '../../lib/duration.ts';
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

type Addressed = Pick<OutgoingMessage, 'telegramId' | 'lane'>;

/** The caption is HTML. */
export type OutgoingPhoto = Addressed & {
  file: FileMessage['file'];
  caption: string;
};

type Arrival = { kind: 'sent'; messageId: number; sentAt: Date };
type Refusal = Extract<SendOutcome, { kind: 'refused' }>;

export type Delivery = Arrival | Refusal;

/** Another run sent this message. */
export type SentBefore = { kind: 'sent_before'; messageId: number };

/** What came of a message that does not wait for its chat. `startedAt`: when it was given to Telegram. */
export type Tried =
  | (Delivery & { startedAt: Date })
  /** It is not known or not true that the message arrived. */
  | { kind: 'failed'; error: unknown; startedAt: Date }
  /** This chat has its turn later; nothing was sent and no place in the global rate was used. */
  | { kind: 'chat_busy'; waitMs: number }
  /** Nothing was sent: the turn came too late, or Telegram is down. */
  | { kind: 'too_late' }
  /** Nothing was sent: Redis, which holds the turns, did not give one, or the signal fired. */
  | { kind: 'no_turn'; error: unknown };

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
    const parts = message.parseMode === 'HTML' ? split(message.text) : [message.text];
    let last: Arrival | undefined;
    for (const [part, text] of parts.entries()) {
      const isSplit = parts.length > 1;
      if (isSplit && (await this.#marks.sentPart(message.id, part))) continue;
      if (part > 0) await this.#turn(message, signal);
      const delivery = await this.#sendPart(message, text, signal);
      if (delivery.kind === 'refused') return delivery;
      last = delivery;
      if (isSplit) await this.#marks.markSent(message.id, last.messageId, part);
    }
    const sent: Arrival = last ?? { kind: 'sent', messageId: 0, sentAt: new Date() };
    // Telegram has it. Were Redis gone now, an error here would make the message be sent again; the database write follows anyway.
    await this.#marks.noteSent(message.id, sent.messageId);
    return sent;
  }

  #sendPart(message: OutgoingMessage, text: string, signal: AbortSignal): Promise<Delivery> {
    const { parseMode, preview, telegramId: chatId } = message;
    const part = { chatId, text, parseMode, ...(preview !== undefined && { preview }) };
    return this.#untilAllowed(message, signal, () => this.#telegram.sendMessage(part, signal));
  }

  /** The one place that every answer passes: what it says of the chat is remembered here. */
  async #untilAllowed(to: Addressed, signal: AbortSignal, send: () => Promise<SendOutcome>): Promise<Delivery> {
    for (;;) {
      const outcome = await send();
      if (outcome.kind === 'sent') {
        const sentAt = new Date();
        await this.#marks.noteReached(to.telegramId);
        return { kind: 'sent', messageId: outcome.messageId, sentAt };
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
