import { isUnreachable } from '../../clients/telegram/outcome.ts';
import { BreakerOpenError, PermanentError } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import type { Delivery, OutgoingMessage, OutgoingPhoto, TelegramSender, Tried } from '../notifications/sender.ts';
import type { StaffCards } from './staff-cards.ts';

export type StaffSenderOptions = {
  /** The bot that customers know, which writes to staff where their own cannot. */
  shop: TelegramSender;
  /** The staff's own bot; undefined where there is none. */
  staff: TelegramSender | undefined;
  cards: StaffCards;
  log: Log;
};

type Row = { id: string; type: string };

/**
 * Sends to staff by their own bot, alerts with buttons. Where it cannot reach somebody, because its token is refused, its breaker is open or the
 * person has never written to it, the shop's bot sends the same without buttons: an alert that nobody gets is worse than one without.
 */
export class StaffSender {
  readonly #options: StaffSenderOptions;

  constructor(options: StaffSenderOptions) {
    this.#options = options;
  }

  /** Whether rows of this type are for staff. */
  isFor(type: string): boolean {
    return this.#options.staff !== undefined && /^(alert|report)/.test(type);
  }

  /** As `TelegramSender`'s, for rows that leave as one message. */
  async sendUnlessChatBusy(
    rows: readonly Row[],
    message: OutgoingMessage,
    isTooLate: () => boolean,
    signal: AbortSignal,
  ): Promise<Tried> {
    const { cards, shop } = this.#options;
    const staff = await this.#usable(signal);
    if (!staff) return await shop.sendUnlessChatBusy(message, isTooLate, signal);
    const card = await cards.begin(rows, message);
    const buttons = card && { buttons: card.buttons };
    const tried = await staff.sendUnlessChatBusy({ ...message, ...buttons }, isTooLate, signal);
    if (this.#needsOther(tried, message)) return await shop.sendUnlessChatBusy(message, isTooLate, signal);
    if (card && tried.kind === 'sent') await cards.sent(card, tried.messageId);
    return tried;
  }

  /** As `TelegramSender`'s: for what must go out while Redis is away, which is why it has no buttons. */
  async sendDirectly(message: OutgoingMessage, signal: AbortSignal): Promise<Delivery> {
    return await this.#either(message, signal, (sender) => sender.sendDirectly(message, signal));
  }

  /** As `TelegramSender`'s. */
  async sendPhoto(photo: OutgoingPhoto, signal: AbortSignal): Promise<Delivery> {
    return await this.#either(photo, signal, (sender) => sender.sendPhoto(photo, signal));
  }

  async #either(
    to: Pick<OutgoingMessage, 'telegramId'>,
    signal: AbortSignal,
    send: (sender: TelegramSender) => Promise<Delivery>,
  ): Promise<Delivery> {
    const { shop } = this.#options;
    const staff = await this.#usable(signal);
    if (!staff) return await send(shop);
    try {
      const delivery = await send(staff);
      return this.#needsOther(delivery, to) ? await send(shop) : delivery;
    } catch (error) {
      if (this.#needsOther({ kind: 'failed', error }, to)) return await send(shop);
      throw error;
    }
  }

  /** The staff's bot, unless its breaker is open: then a sign of life is asked for, so that no alert is spent on that. */
  async #usable(signal: AbortSignal): Promise<TelegramSender | undefined> {
    const { staff } = this.#options;
    if (!staff?.isDown) return staff;
    return (await staff.probe(signal).catch(() => false)) ? staff : undefined;
  }

  /** Nothing was sent, and another try would fare the same. What may have arrived is not sent by the other bot too. */
  #needsOther(
    tried:
      | { kind: 'refused'; reason: Parameters<typeof isUnreachable>[0] }
      | { kind: 'failed'; error: unknown }
      | { kind: string },
    { telegramId }: Pick<OutgoingMessage, 'telegramId'>,
  ): boolean {
    const why =
      'reason' in tried && tried.kind === 'refused' && isUnreachable(tried.reason)
        ? tried.reason
        : 'error' in tried && (tried.error instanceof PermanentError || tried.error instanceof BreakerOpenError)
          ? tried.error.code
          : undefined;
    if (why === undefined) return false;
    this.#options.log.warn(
      { chat: telegramId, reason: why },
      "the staff's bot cannot write to somebody, the shop's bot does",
    );
    return true;
  }
}
