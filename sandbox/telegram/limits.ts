/** Telegram's sending limits (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this). */
export type Limits = {
  /** Messages in any sliding second, over all chats. */
  perSecond: number;
  /** Milliseconds between two messages to one chat. */
  perChatMs: number;
  /** Messages in any sliding minute to one group or channel (a negative chat id). */
  perGroupMinute: number;
  /** Messages of a paid broadcast in any sliding second; 0 where the bot may not send those. */
  paidPerSecond: number;
};

export const TELEGRAM_LIMITS: Limits = { perSecond: 30, perChatMs: 1000, perGroupMinute: 20, paidPerSecond: 1000 };

/** No limits, for tests and benchmarks of the pure speed. */
export const NO_LIMITS: Limits = {
  perSecond: Number.POSITIVE_INFINITY,
  perChatMs: 0,
  perGroupMinute: Number.POSITIVE_INFINITY,
  paidPerSecond: Number.POSITIVE_INFINITY,
};

/** Counts deliveries in sliding windows. */
export class SendingLimits {
  readonly #limits: Limits;
  #recent: number[] = [];
  #paid: number[] = [];
  readonly #chats = new Map<number, number[]>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get allowsPaid(): boolean {
    return this.#limits.paidPerSecond > 0;
  }

  /**
   * Seconds to wait before sending to this chat, 0 where the message is let through and counted. `isBilled`: it is of a paid broadcast and
   * above the regular rate (https://core.telegram.org/bots/api#transactionpartnertelegramapi).
   */
  take(chatId: number, nowMs: number, isPaid: boolean): { waitSeconds: number; isBilled: boolean } {
    this.#recent = withinSecond(this.#recent, nowMs);
    this.#paid = withinSecond(this.#paid, nowMs);
    const { paidPerSecond, perSecond } = this.#limits;
    const isReached = isPaid ? this.#paid.length >= paidPerSecond : this.#recent.length >= perSecond;
    const waitSeconds = isReached ? 1 : this.#takeOfChat(chatId, nowMs);
    if (waitSeconds > 0) return { waitSeconds, isBilled: false };
    const isBilled = isPaid && this.#recent.length + this.#paid.length >= perSecond;
    if (perSecond < Number.POSITIVE_INFINITY) (isPaid ? this.#paid : this.#recent).push(nowMs);
    return { waitSeconds: 0, isBilled };
  }

  #takeOfChat(chatId: number, nowMs: number): number {
    const { perChatMs, perGroupMinute } = this.#limits;
    const chat = (this.#chats.get(chatId) ?? []).filter((at) => nowMs - at < 60_000);
    const last = chat.at(-1);
    if (last !== undefined && nowMs - last < perChatMs) return Math.ceil((perChatMs - (nowMs - last)) / 1000);
    if (chatId < 0 && chat.length >= perGroupMinute) return Math.ceil((60_000 - (nowMs - chat[0]!)) / 1000);
    if (perChatMs > 0 || chatId < 0) this.#chats.set(chatId, chatId < 0 ? [...chat, nowMs] : [nowMs]);
    return 0;
  }
}

/** Times come in order: at a thousand a second, looking at all of them each time would be what is measured. */
function withinSecond(times: number[], nowMs: number): number[] {
  const first = times.findIndex((at) => nowMs - at < 1000);
  if (first === -1) return [];
  return first === 0 ? times : times.slice(first);
}
