import { setTimeout as sleep } from 'node:timers/promises';
import { days, seconds } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys, type TelegramBot } from '../keys.ts';

/** How long "this one was sent" is remembered: far longer than a lease plus every retry delay. */
const SENT_TTL_MS = days(1);
/** Below the 5 s after which a process that stands still may lose its jobs. */
const STALE_MS = seconds(2);
const UNREACHABLE_TTL_MS = days(30);
/** When a mark that Redis did not take is written again: Redis is back from a restart within seconds. */
const NOTE_AGAIN_AFTER_MS = [seconds(1), seconds(2), seconds(4), seconds(8), seconds(16)] as const;

/** What must be remembered between Telegram's answer and the database, and about whom Telegram cannot reach. */
export class DeliveryMarks {
  readonly #redis: RedisClient;
  /** Whether a chat can be reached depends on the bot. */
  readonly #bot: TelegramBot;

  constructor(redis: RedisClient, bot: TelegramBot = 'shop') {
    this.#redis = redis;
    this.#bot = bot;
  }

  /** Remembers Telegram's answer. `part` counts from 0 where a long message goes out in several. */
  async markSent(id: string, messageId: number, part?: number): Promise<void> {
    await this.#redis.set(
      keys.notificationSent(part === undefined ? id : `${id}.${part}`),
      messageId,
      'PX',
      SENT_TTL_MS,
    );
  }

  /** The same for a message that is out and whose sender must go on: never rejects. While Redis is away it is tried again for half a minute. */
  async noteSent(id: string, messageId: number): Promise<void> {
    await this.#note(() => this.markSent(id, messageId));
  }

  /** The Telegram message ids of those that were sent. */
  async sent(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = await this.#many(ids.map((id) => keys.notificationSent(id)));
    return new Map(ids.flatMap((id, i) => (found[i] ? [[id, Number(found[i])] as const] : [])));
  }

  /**
   * Telegram's message id where this one was sent. To be asked right before sending: an answer that took long is asked for again, since a
   * process that stood still meanwhile may have lost its job to another, which has sent the message by now.
   */
  async sentByNow(id: string, signal: AbortSignal): Promise<number | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const askedAt = performance.now();
      const found = (await this.sent([id])).get(id);
      if (found !== undefined || performance.now() - askedAt < STALE_MS) return found;
    }
  }

  /** The Telegram message id of a part that was sent. */
  async sentPart(id: string, part: number): Promise<number | undefined> {
    const found = await this.#redis.get(keys.notificationSent(`${id}.${part}`));
    return found === null ? undefined : Number(found);
  }

  /** The ids of all messages as which one was sent, in order; of one with less than two parts just its own. */
  async messagesOf(id: string, most: number): Promise<readonly number[]> {
    const parts = Array.from({ length: most }, (_, part) => keys.notificationSent(`${id}.${part}`));
    const found = (await this.#many(parts)).filter((one) => one !== null).map(Number);
    return found.length > 0 ? found : [...(await this.sent([id])).values()];
  }

  /** Remembers for 30 days that Telegram refuses this chat, and why; a message that arrives ends it sooner. */
  async markUnreachable(telegramId: number, reason: string): Promise<void> {
    await this.#redis.set(keys.unreachable(telegramId, this.#bot), reason, 'PX', UNREACHABLE_TTL_MS);
  }

  /** A message of any kind has arrived at this chat: forgets that it was unreachable. Never rejects, as `noteSent`. */
  async noteReached(telegramId: number): Promise<void> {
    await this.#note(async () => {
      await this.#redis.del(keys.unreachable(telegramId, this.#bot));
    });
  }

  /** Those of these chats that are known to be unreachable, with the reason. */
  async unreachable(telegramIds: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const found = await this.#many(telegramIds.map((id) => keys.unreachable(id, this.#bot)));
    return new Map(telegramIds.flatMap((id, i) => (found[i] ? [[id, found[i]] as const] : [])));
  }

  async #note(write: () => Promise<void>): Promise<void> {
    await write().catch(() => void this.#noteLater(write));
  }

  async #noteLater(write: () => Promise<void>): Promise<void> {
    for (const waitMs of NOTE_AGAIN_AFTER_MS) {
      await sleep(waitMs, undefined, { ref: false });
      const isNoted = await write().then(
        () => true,
        () => false,
      );
      if (isNoted) return;
    }
  }

  /** Single GETs in one pipeline rather than MGET, whose keys would have to lie in one slot of a Redis Cluster. */
  async #many(names: readonly string[]): Promise<(string | null)[]> {
    return Promise.all(names.map((name) => this.#redis.get(name)));
  }
}
