import type { PanelUser } from '../../clients/remnawave/types.ts';
import { CampaignAudience } from '../../lib/campaign-rules.ts';
import { type Locale, localeFor } from '../../lib/locale.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import type { LastPurchases } from '../../repositories/last-purchases.ts';
import { meetsAtPanel, meetsAtPlatform } from '../notifications/segment-conditions.ts';

export type CampaignReachOptions = {
  contacts: Pick<CustomerContacts, 'languages'>;
  purchases: LastPurchases;
  locale: Locale;
};

/** The facts about the reader of a message. */
export type Reader = {
  locale: Locale;
  bought: { planId: string | undefined; planName: string | undefined; at: Date } | undefined;
};

/** Whom campaigns are for, besides what they wait for: one question to each table for any number of chats. */
export class CampaignReach {
  readonly #options: CampaignReachOptions;

  constructor(options: CampaignReachOptions) {
    this.#options = options;
  }

  async readers(chats: readonly number[]): Promise<(chat: number) => Reader> {
    const distinct = [...new Set(chats)];
    const { contacts, locale, purchases } = this.#options;
    const [languages, bought] = await Promise.all([contacts.languages(distinct), purchases.of(distinct)]);
    return (chat) => ({ locale: localeFor(languages.get(chat), locale), bought: bought.get(chat) });
  }

  /** Conditions that a newer version wrote and this one cannot read are met by nobody. */
  isFor(audience: unknown, user: PanelUser, { bought, locale }: Reader, now: Date): boolean {
    const { data: conditions } = CampaignAudience.safeParse(audience);
    if (!conditions) return false;
    return (
      meetsAtPanel(conditions, user, { now, countries: NO_COUNTRIES }) &&
      meetsAtPlatform(conditions, { language: locale, bought }, now)
    );
  }
}

/** Campaigns ask for none. */
const NO_COUNTRIES: ReadonlyMap<string, string> = new Map();
