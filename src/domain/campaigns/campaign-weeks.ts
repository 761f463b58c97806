import { earnedBy } from '../../lib/campaign-earnings.ts';
import { days } from '../../lib/duration.ts';
import type { CampaignFigures } from '../../messages/figures.ts';
import type { Log } from '../../observability/log.ts';
import type { CampaignIncomes } from '../../repositories/history/campaign-incomes.ts';
import type { Campaigns } from '../../repositories/history/campaigns.ts';

export type CampaignWeeksOptions = {
  campaigns: Pick<Campaigns, 'all'>;
  campaignsArePossible(): Promise<boolean>;
  incomes: CampaignIncomes;
  log: Log;
};

/** What campaigns earned, week by week, for the weekly report. */
export class CampaignWeeks {
  readonly #options: CampaignWeeksOptions;

  constructor(options: CampaignWeeksOptions) {
    this.#options = options;
  }

  /**
   * Of those whom each campaign first wrote to in the seven days before `begin`: their seven days are over when the week that begins then is.
   * In the order of the campaigns; none where none wrote to anybody, null where PostgreSQL does not answer.
   */
  async before(begin: Date): Promise<readonly CampaignFigures[] | null> {
    const { campaigns, campaignsArePossible, incomes, log } = this.#options;
    try {
      if (!(await campaignsArePossible())) return [];
      const found = await incomes.between(new Date(begin.getTime() - days(7)), begin);
      if (found.size === 0) return [];
      return (await campaigns.all()).flatMap(({ id, name }) => {
        const groups = found.get(id);
        return groups ? [{ id, name, groups, earned: earnedBy(groups) }] : [];
      });
    } catch (err) {
      log.warn({ err }, 'what campaigns earned is not known');
      return null;
    }
  }
}
