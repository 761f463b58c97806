import type { PanelUser } from '../../clients/remnawave/types.ts';
import { isOfCampaign } from '../../lib/campaign-rules.ts';
import { seconds } from '../../lib/duration.ts';
import { errorCode } from '../../lib/errors.ts';
import type { Listing } from '../../lib/read-each.ts';
import type { CampaignSends, EarlierSend } from '../../repositories/history/campaign-sends.ts';
import type { Campaigns } from '../../repositories/history/campaigns.ts';
import type { LastPurchases } from '../../repositories/last-purchases.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { Standing } from '../notifications/settlement.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import type { People } from '../subscriptions/people.ts';
import { stillHolds } from './due-steps.ts';

/** A panel that takes longer than this does not hold up the queue: the message goes out unchecked. */
const ANSWER_WITHIN_MS = seconds(2);
/** After a failed question nothing is asked for this long, so that a panel that is down slows the queue once and not per row. */
const QUIET_AFTER_FAILURE_MS = seconds(30);

export type CampaignTruthOptions = {
  campaigns: Pick<Campaigns, 'find'>;
  sends: Pick<CampaignSends, 'ofMessage' | 'takeBack'>;
  people: Pick<People, 'panelUsers'>;
  picture: Pick<CustomerPicture, 'of'>;
  purchases: Pick<LastPurchases, 'of'>;
};

/**
 * Whether a queued message of a campaign still holds when its turn comes. While the panel does not answer it is sent, except where a payment
 * since shows that the customer renewed something: of several subscriptions the panel alone knows which.
 */
export class CampaignTruth {
  readonly #options: CampaignTruthOptions;
  #quietUntil = 0;

  constructor(options: CampaignTruthOptions) {
    this.#options = options;
  }

  /**
   * Obsolete where the campaign does not run any more, the customer has renewed, or what it was about is over. A message for several
   * subscriptions of which one is over is dropped as well, and the others are told by another one while they are due. Never throws.
   */
  async standing({ id, telegramId, type }: DueNotification, now: Date, signal: AbortSignal): Promise<Standing> {
    if (!isOfCampaign(type)) return 'holds';
    const { campaigns, people, picture, purchases, sends } = this.#options;
    try {
      const told = await sends.ofMessage(id);
      const campaign = told[0] && (await campaigns.find(told[0].campaign));
      if (campaign?.state !== 'running') return 'obsolete';
      const users = await this.#ask(() => people.panelUsers(telegramId, within(signal)), signal);
      const isUnknown = told.some((one) => userOf(one, users) === 'unknown');
      const bought = isUnknown ? (await purchases.of([telegramId])).get(telegramId) : undefined;
      const hasPaidSince = (one: EarlierSend): boolean => bought !== undefined && bought.at >= one.at;
      const isPast = (one: EarlierSend): boolean => campaign.trigger === 'before_end' && one.expiresAt <= now;
      if (users === undefined && told.some((one) => hasPaidSince(one) && !isPast(one))) return 'unclear';
      const holding = told.filter((one) => {
        const user = userOf(one, users);
        if (user === 'gone') return false;
        if (user === 'unknown') return !hasPaidSince(one) && !isPast(one);
        return stillHolds(campaign.trigger, one, user, now);
      });
      const known = holding.map((one) => {
        const user = userOf(one, users);
        return typeof user === 'object' ? user : { username: one.username, expireAt: one.expiresAt, telegramId };
      });
      const money = await picture.of(known, now, signal).catch(() => undefined);
      const left = holding.filter((_, i) => !['paid', 'promised'].includes(money?.[i]?.state ?? 'none'));
      if (left.length === told.length) return 'holds';
      await sends.takeBack(
        id,
        left.map(({ username }) => username),
      );
      return 'obsolete';
    } catch {
      return 'holds';
    }
  }

  async #ask(ask: () => Promise<Listing<PanelUser>>, signal: AbortSignal): Promise<Listing<PanelUser> | undefined> {
    if (performance.now() < this.#quietUntil) return undefined;
    try {
      return await ask();
    } catch (error) {
      // A user who cannot be read says nothing about the others: the next row may be asked about.
      if (!signal.aborted && errorCode(error) !== 'remnawave_schema')
        this.#quietUntil = performance.now() + QUIET_AFTER_FAILURE_MS;
      return undefined;
    }
  }
}

const within = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);

/** A panel that shows nobody at all for a chat may have lost them or lie, and one who cannot be read may be this one: that is unknown. */
function userOf({ username }: EarlierSend, users: Listing<PanelUser> | undefined): PanelUser | 'gone' | 'unknown' {
  const found = users?.items.find((user) => user.username === username);
  if (found) return found;
  return users && users.items.length > 0 && users.holes.length === 0 ? 'gone' : 'unknown';
}
