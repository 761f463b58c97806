import type { CustomerContacts } from '../../repositories/customer-contacts.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import { CampaignIncomes } from '../../repositories/history/campaign-incomes.ts';
import { CampaignSends } from '../../repositories/history/campaign-sends.ts';
import { Campaigns } from '../../repositories/history/campaigns.ts';
import { isUsable, type OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { LastPurchases } from '../../repositories/last-purchases.ts';
import type { Foundation } from '../foundation.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import type { People } from '../subscriptions/people.ts';
import { BuiltInShare } from './built-in-share.ts';
import { CampaignPlanner } from './campaign-planner.ts';
import { CampaignReach } from './campaign-reach.ts';
import { CampaignTruth } from './campaign-truth.ts';
import { CampaignWeeks } from './campaign-weeks.ts';

export type CampaignParts = {
  contacts: CustomerContacts;
  decisions: Decisions;
  people: People;
  purchases: LastPurchases;
  picture: CustomerPicture;
  historyState(): Promise<OwnSchemaState>;
};

/** Builds campaigns, and what they leave to the built-in notices. */
export function composeCampaigns(
  { database, log, marks, services: { panel, settings } }: Foundation,
  { contacts, decisions, historyState, people, picture, purchases }: CampaignParts,
) {
  const campaigns = new Campaigns(database);
  const incomes = new CampaignIncomes(database);
  const sends = new CampaignSends(database);
  const reach = new CampaignReach({ contacts, purchases, locale: settings.DEFAULT_LOCALE });
  const arePossible = async (): Promise<boolean> => isUsable(await historyState());
  return {
    services: {
      campaigns,
      campaignPlanner: new CampaignPlanner({
        ...{ decisions, marks, panel, people, picture, reach, sends },
        timeZone: settings.TIME_ZONE,
        weeklyCap: settings.CAMPAIGN_WEEKLY_CAP,
      }),
      campaignSends: sends,
      /** Whether our own schema, which holds campaigns, can be used. */
      campaignsArePossible: arePossible,
    },
    campaignWeeks: new CampaignWeeks({ campaigns, campaignsArePossible: arePossible, incomes, log }),
    builtInShare: new BuiltInShare({ arePossible, campaigns, reach, sends }),
    campaignIncomes: incomes,
    campaignTruth: new CampaignTruth({ campaigns, people, picture, purchases, sends }),
  };
}
