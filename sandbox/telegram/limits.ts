/** Telegram's sending limits (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this). */
export type Limits = {
  /** Messages in any sliding second, over all chats. */
  perSecond: number;
  /** Milliseconds between two messages to one chat. */
  perChatMs: number;
  /** Messages in any sliding minute to one group or channel (a negative chat id). */
  perGroupMinute: number;
};

export const TELEGRAM_LIMITS: Limits = { perSecond: 30, perChatMs: 1000, perGroupMinute: 20 };

/** No limits, for tests and benchmarks of the pure speed. */
export const NO_LIMITS: Limits = {
  perSecond: Number.POSITIVE_INFINITY,
  perChatMs: 0,
  perGroupMinute: Number.POSITIVE_INFINITY,
};

/** Counts deliveries in sliding windows. */
export class SendingLimits {
  readonly #limits: Limits;
  #recent: number[] = [];
  readonly #chats = new Map<number, number[]>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Seconds to wait before sending to this chat, 0 where the message is let through and counted. */
  take(chatId: number, nowMs: number): number {
    const { perSecond, perChatMs, perGroupMinute } = this.#limits;
    this.#recent = this.#recent.filter((at) => nowMs - at < 1000);
    const chat = (this.#chats.get(chatId) ?? []).filter((at) => nowMs - at < 60_000);
    const last = chat.at(-1);
    if (this.#recent.length >= perSecond) return 1;
    if (last !== undefined && nowMs - last < perChatMs) return Math.ceil((perChatMs - (nowMs - last)) / 1000);
    if (chatId < 0 && chat.length >= perGroupMinute) return Math.ceil((60_000 - (nowMs - chat[0]!)) / 1000);
    if (perSecond < Number.POSITIVE_INFINITY) this.#recent.push(nowMs);
    if (perChatMs > 0 || chatId < 0) this.#chats.set(chatId, chatId < 0 ? [...chat, nowMs] : [nowMs]);
    return 0;
  }
}
