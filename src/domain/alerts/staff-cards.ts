import { html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { RowsOfButtons } from '../../lib/telegram-button.ts';
import { plainText, visibleText } from '../../lib/telegram-html.ts';
import { decidedLine } from '../../messages/alert-cards.ts';
import { partsOf } from '../../messages/size.ts';
import type { Log } from '../../observability/log.ts';
import type { AlertCard, AlertCards, AlertDecision, AlertFacts } from '../../repositories/redis/alerts/alert-cards.ts';
import type { OutgoingMessage } from '../notifications/sender.ts';
import { keyboardOfCard, wordOf } from './card-keyboard.ts';

export type StaffCardsOptions = {
  cards: AlertCards;
  locale: Locale;
  publicUrl: string | undefined;
  log: Log;
};

/** A message of the staff's bot as it should look now. */
export type DrawnCard = { text: string; buttons: RowsOfButtons };

/** A card that is about to be sent. */
export type NewCard = { id: string; card: AlertCard; buttons: RowsOfButtons };

/** The longest message, with room for what its entities count. */
const MOST_VISIBLE = 4_000;

/** Puts buttons under alerts and draws them anew when somebody has answered. */
export class StaffCards {
  readonly #options: StaffCardsOptions;

  constructor(options: StaffCardsOptions) {
    this.#options = options;
  }

  /**
   * The buttons for a message that tells these rows. Undefined where it needs none, or nobody knows what the rows are about: then it goes
   * without. Never throws.
   */
  async begin(rows: readonly { id: string; type: string }[], message: OutgoingMessage): Promise<NewCard | undefined> {
    const told = rows.filter(({ type }) => type.startsWith('alert:') && !type.endsWith('_ended'));
    if (told.length === 0) return undefined;
    const { cards, log } = this.#options;
    try {
      const alerts = await cards.factsOf(told.map(({ id }) => id));
      return alerts.length === 0 ? undefined : await this.about(alerts, message);
    } catch (err) {
      log.warn({ err, alerts: told.length }, 'alerts go without buttons');
      return undefined;
    }
  }

  /** The buttons for a message about these alerts. Throws while Redis is away. */
  async about(
    alerts: readonly AlertFacts[],
    { parseMode, telegramId: chatId, text }: Pick<OutgoingMessage, 'parseMode' | 'telegramId' | 'text'>,
  ): Promise<NewCard> {
    const { cards, locale, publicUrl } = this.#options;
    const card: AlertCard = { chatId, html: partsOf(text, parseMode).at(-1)!.text, locale, alerts };
    const id = await cards.add(card);
    const decided = await Promise.all(alerts.map((alert) => cards.decisions(alert)));
    return { id, card, buttons: keyboardOfCard(card, { card: id, decided, publicUrl }) };
  }

  /** Remembers the message as which a card was sent. Never throws: its own buttons work, only those of others do not change it. */
  async sent({ card, id }: NewCard, messageId: number): Promise<void> {
    const { cards, log } = this.#options;
    await cards
      .sent(id, card, messageId)
      .catch((err: unknown) => log.warn({ err }, 'a message with buttons is not remembered'));
  }

  /** The message of a card with what was decided, and the buttons that are left. */
  async draw(id: string, card: AlertCard): Promise<DrawnCard> {
    const { cards, publicUrl } = this.#options;
    const decided = await Promise.all(card.alerts.map((alert) => cards.decisions(alert)));
    const lines = linesOf(card, decided);
    const text = [fits(card.html, lines) ? card.html : titleOf(card.html), lines.join('\n')]
      .filter(Boolean)
      .join('\n\n');
    return { text, buttons: keyboardOfCard(card, { card: id, decided, publicUrl }) };
  }
}

/** A line for each decision; the same about several alerts is said once. */
function linesOf({ alerts, locale }: AlertCard, decided: readonly ReadonlyMap<string, AlertDecision>[]): string[] {
  const lines = alerts.flatMap((facts, i) =>
    [...decided[i]!.values()].map((one) => ({
      at: one.at.getTime(),
      text: decidedLine(wordOf(one.act, facts), one, locale).toString(),
    })),
  );
  return [...new Set(lines.sort((a, b) => a.at - b.at).map(({ text }) => text))];
}

const fits = (text: string, lines: readonly string[]): boolean =>
  visibleText(text).length + lines.join('\n').length <= MOST_VISIBLE;

/** Of a message that is too long for its decisions: how it begins. */
const titleOf = (text: string): string =>
  html`${plainText(text)
    .split('\n\n')[0]!
    .slice(0, MOST_VISIBLE / 2)}`.toString();
