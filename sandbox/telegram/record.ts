import type { Entity } from './entities.ts';

/** A message that reached its chat. */
export type DeliveredMessage = {
  message_id: number;
  /** `edited` replaces an earlier text and is not a new message. */
  method: string;
  chat_id: number;
  /** The text as sent; `visible` is the text that the reader sees. Captions of photos and documents are texts too. */
  text: string;
  visible: string;
  /** At most 100: Telegram drops the others. */
  entities: Entity[];
  parse_mode: string | null;
  reply_markup: unknown;
  /** Whether Telegram would show a preview of the first link. */
  preview: boolean;
  /** Name and size in bytes of a photo or document, and the id under which it is kept for this bot. */
  file: { name: string; bytes: number; id: string; isUploaded: boolean } | null;
  /** `allow_paid_broadcast` was set. */
  paid: boolean;
  deleted: boolean;
  /** Milliseconds since 1970, with fractions. */
  at: number;
};

export type Stats = {
  /** Messages delivered. */
  total: number;
  /** Calls of sending methods, including refused ones. */
  arrivals: number;
  /** The most arrivals in any sliding second. */
  max_per_second: number;
  /** The number of 429 answers, by the limits or by a fault. */
  too_many_requests: number;
  /** Other refusals, by description. */
  refused: Record<string, number>;
  /** Messages above the regular rate that a paid broadcast let through, and Stars for them: 0.1 each. */
  billed: number;
  stars: number;
  /** Messages that were deleted. */
  deleted: number;
  /** First and last arrival, milliseconds since 1970. */
  first_at: number | null;
  last_at: number | null;
  /** Arrivals in each whole second from the first one on. */
  series: number[];
};

export type MessageFilter = { chatId?: number; sinceMs?: number; limit?: number };

/** A record of all arrivals, for tests to count. */
export class ArrivalRecord {
  #messages: DeliveredMessage[] = [];
  #arrivals: number[] = [];
  #tooMany = 0;
  #billed = 0;
  #refused = new Map<string, number>();

  arrived(at: number): void {
    this.#arrivals.push(at);
  }

  delivered(message: DeliveredMessage): void {
    this.#messages.push(message);
  }

  tooManyRequests(): void {
    this.#tooMany += 1;
  }

  billed(): void {
    this.#billed += 1;
  }

  refused(description: string): void {
    this.#refused.set(description, (this.#refused.get(description) ?? 0) + 1);
  }

  clear(): void {
    this.#messages = [];
    this.#arrivals = [];
    this.#tooMany = 0;
    this.#billed = 0;
    this.#refused.clear();
  }

  find(chatId: number, messageId: number): DeliveredMessage | undefined {
    // Ids are given in order, over all chats, and the record may have been cleared.
    const first = this.#messages[0]?.message_id ?? 0;
    const found = this.#messages[messageId - first];
    return found?.message_id === messageId && found.chat_id === chatId ? found : undefined;
  }

  /** The newest `limit` messages that fit, oldest first. */
  messages({ chatId, sinceMs, limit }: MessageFilter = {}): DeliveredMessage[] {
    const fitting = this.#messages.filter(
      (message) =>
        (chatId === undefined || message.chat_id === chatId) && (sinceMs === undefined || message.at >= sinceMs),
    );
    return limit === undefined ? fitting : fitting.slice(Math.max(0, fitting.length - limit));
  }

  stats(): Stats {
    const arrivals = this.#arrivals;
    const first = arrivals[0];
    const series: number[] = [];
    for (const at of arrivals) {
      const second = Math.floor((at - first!) / 1000);
      while (series.length <= second) series.push(0);
      series[second] = series[second]! + 1;
    }
    return {
      total: this.#messages.length,
      arrivals: arrivals.length,
      max_per_second: mostWithin(arrivals, 1000),
      too_many_requests: this.#tooMany,
      refused: Object.fromEntries(this.#refused),
      billed: this.#billed,
      stars: this.#billed / 10,
      deleted: this.#messages.filter(({ deleted }) => deleted).length,
      first_at: first ?? null,
      last_at: arrivals.at(-1) ?? null,
      series,
    };
  }
}

/** The most of these ascending times that lie within any half-open window of this length. */
export function mostWithin(times: readonly number[], windowMs: number): number {
  let most = 0;
  let from = 0;
  times.forEach((at, to) => {
    while (at - times[from]! >= windowMs) from += 1;
    most = Math.max(most, to - from + 1);
  });
  return most;
}
