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
   * The figures count customers whom a campaign first wrote to in the seven days before this week: their seven days are over when it is.
   * In the order of the campaigns; none where none wrote to anybody, null where PostgreSQL does not answer.
   */
  async before(week: Date): Promise<readonly CampaignFigures[] | null> {
    const { campaigns, campaignsArePossible, incomes, log } = this.#options;
    try {
      if (!(await campaignsArePossible())) return [];
      const found = await incomes.between(new Date(week.getTime() - days(7)), week);
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
