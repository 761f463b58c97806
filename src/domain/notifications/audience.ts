import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import { chunks } from '../../lib/chunks.ts';
import { type Locale, localeFor } from '../../lib/locale.ts';
import type { Segment } from '../../lib/segment.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import type { CustomersWithTelegram } from '../../repositories/customers-with-telegram.ts';
import type { PlannedBroadcasts } from '../../repositories/history/planned-broadcasts.ts';
import type { LastPurchases } from '../../repositories/last-purchases.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { People } from '../subscriptions/people.ts';
import { asksPanel, meetsAtPanel, meetsAtPlatform, type PanelFacts } from './segment-conditions.ts';

export type AudienceOptions = {
  panel: Pick<Panel, 'nodes' | 'users'>;
  people: Pick<People, 'telegramIds'>;
  contacts: Pick<CustomerContacts, 'languages'>;
  customers: CustomersWithTelegram;
  purchases: LastPurchases;
  marks: Pick<DeliveryMarks, 'unreachable'>;
  planned: Pick<PlannedBroadcasts, 'missed' | 'missedAmong'>;
  locale: Locale;
};

/** Somebody in a segment, and what a text may name of them. */
export type Recipient = {
  chat: number;
  locale: Locale;
  /** The panel user by which they are in the segment; undefined for a customer whom the panel does not have. */
  user: PanelUser | undefined;
  planName: string | undefined;
  /** Why Telegram refuses the chat; undefined where it is not known to. */
  unreachable: string | undefined;
};

/** Chats looked at together: one question to each table per group, and all that is held in memory. */
const GROUP = 500;

/**
 * The people of a segment, read from the panel and from the platform as streams: memory does not grow with them. A chat may come more than
 * once, for a person with several panel users.
 */
export class Audience {
  readonly #options: AudienceOptions;

  constructor(options: AudienceOptions) {
    this.#options = options;
  }

  /**
   * `needsValues` says whether a text names something of its reader: chats that are given one by one are then looked up at the panel too.
   * Throws where panel or database do not answer.
   */
  async *recipients(
    segment: Segment,
    { needsValues, now, signal }: { needsValues: boolean; now: Date; signal: AbortSignal },
  ): AsyncGenerator<Recipient[]> {
    const areGiven = segment.telegram_ids !== undefined || segment.missed !== undefined;
    if (asksPanel(segment) || needsValues || !areGiven) yield* this.#ofPanel(segment, now, signal);
    if (asksPanel(segment)) return;
    for await (const chats of this.#ofPlatform(segment)) {
      signal.throwIfAborted();
      yield await this.#described(segment, new Map(chats.map((chat) => [chat, undefined])), now);
    }
  }

  async *#ofPanel(segment: Segment, now: Date, signal: AbortSignal): AsyncGenerator<Recipient[]> {
    const facts = await this.#panelFacts(segment, now, signal);
    const only = segment.telegram_ids && new Set(segment.telegram_ids);
    const status = segment.status?.length === 1 ? segment.status[0] : undefined;
    for await (const users of inGroups(this.#options.panel.users(status ? { status } : {}, signal), GROUP)) {
      const meeting = users.filter((user) => meetsAtPanel(segment, user, facts));
      const chats = await this.#options.people.telegramIds(meeting);
      const found = new Map<number, PanelUser>();
      for (const user of meeting) {
        const chat = chats.get(user.id);
        if (chat !== undefined && (only?.has(chat) ?? true) && !found.has(chat)) found.set(chat, user);
      }
      yield await this.#described(segment, found, now);
    }
  }

  /** Chats that are given one by one, else all of the platform's customers. */
  async *#ofPlatform({ missed, telegram_ids: given }: Segment): AsyncGenerator<readonly number[]> {
    if (given) yield* chunks([...new Set(given)], GROUP);
    else if (missed) yield* this.#missed(missed);
    else yield* this.#options.customers.inGroups(GROUP);
  }

  async *#missed(broadcast: string): AsyncGenerator<readonly number[]> {
    let after = 0;
    for (;;) {
      const page = await this.#options.planned.missed(broadcast, after, GROUP);
      if (page.length > 0) yield page.map(({ chat }) => chat);
      if (page.length < GROUP) return;
      after = page.at(-1)!.chat;
    }
  }

  /** Those of these chats who meet what is asked of the platform. */
  async #described(
    segment: Segment,
    users: ReadonlyMap<number, PanelUser | undefined>,
    now: Date,
  ): Promise<Recipient[]> {
    const { contacts, locale, marks, planned, purchases } = this.#options;
    const chats = [...users.keys()];
    const [languages, bought, refused, missed] = await Promise.all([
      contacts.languages(chats),
      purchases.of(chats),
      marks.unreachable(chats),
      segment.missed === undefined ? undefined : planned.missedAmong(segment.missed, chats),
    ]);
    return chats.flatMap((chat) => {
      const facts = { language: localeFor(languages.get(chat), locale), bought: bought.get(chat) };
      if (!(missed?.has(chat) ?? true) || !meetsAtPlatform(segment, facts, now)) return [];
      const { language } = facts;
      const planName = facts.bought?.planName;
      return [{ chat, locale: language, user: users.get(chat), planName, unreachable: refused.get(chat) }];
    });
  }

  async #panelFacts({ countries }: Segment, now: Date, signal: AbortSignal): Promise<PanelFacts> {
    const nodes = countries ? (await this.#options.panel.nodes(signal)).items : [];
    return { now, countries: new Map(nodes.map(({ countryCode, uuid }) => [uuid, countryCode])) };
  }
}
