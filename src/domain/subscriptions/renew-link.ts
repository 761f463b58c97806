import type { TelegramClient } from '../../clients/telegram/client.ts';
import { hours, seconds } from '../../lib/duration.ts';

/** A bot can be renamed; nobody needs to know within the hour. */
const KNOWN_FOR_MS = hours(1);
/** A Telegram that is away is not asked for every message. */
const ASK_AGAIN_AFTER_MS = seconds(30);
const ANSWER_WITHIN_MS = seconds(5);

/** Opens the bot itself where it sells: `start` is handed to the bot as `/start renew` (https://core.telegram.org/bots/features#deep-linking). */
const linkTo = (username: string): string => `https://t.me/${username}?start=renew`;

/** Where a customer renews. `notification_queue` has no room for buttons, so the link stands in the text. */
export class RenewLink {
  readonly #telegram: Pick<TelegramClient, 'getMe'>;
  #known: { url: string | undefined; until: number } | undefined;

  constructor(telegram: Pick<TelegramClient, 'getMe'>) {
    this.#telegram = telegram;
  }

  /** The link, or undefined while Telegram does not say who the bot is: a reminder without a link is better than none. Never throws. */
  async find(signal: AbortSignal): Promise<string | undefined> {
    const now = performance.now();
    if (this.#known && now < this.#known.until) return this.#known.url;
    try {
      const { username } = await this.#telegram.getMe(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]));
      this.#known = { url: linkTo(username), until: now + KNOWN_FOR_MS };
    } catch {
      this.#known = { url: this.#known?.url, until: now + ASK_AGAIN_AFTER_MS };
    }
    return this.#known.url;
  }
}
