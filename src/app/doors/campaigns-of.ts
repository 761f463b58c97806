import { EARNED_DAYS, earnedBy } from '../../lib/campaign-earnings.ts';
import { stepsProblem } from '../../lib/campaign-rules.ts';
import { days, minutes } from '../../lib/duration.ts';
import { LOCALES, type Locale } from '../../lib/locale.ts';
import { wrongVariables } from '../../messages/broadcast-text.ts';
import { whyTooLong } from '../../messages/size.ts';
import { BUILT_IN_CAMPAIGN } from '../../repositories/history/built-in-campaign.ts';
import type { CampaignsContext } from '../../triggers/campaigns.ts';
import type { App } from '../build-app.ts';

/** All users of a large panel are read in well under this. */
const ESTIMATE_LIMIT_MS = minutes(2);

/** Campaigns as doors see them. */
export function campaignsOf({ parts, services }: App): CampaignsContext {
  const { campaignPlanner: planner, campaignSends: sends, campaigns } = services;
  const now = (): Date => parts.foundation.clock.now();
  const whyTextWrong = (text: string, locale: Locale): string | undefined =>
    whyTooLong(text, 'HTML') ?? wrongVariables(text, locale);
  return {
    campaigns,
    add: (id, draft, by) => campaigns.add(id, draft, by),
    say: (id, wish, by) => campaigns.say(id, wish, by),
    estimate: (plan) => planner.estimate(plan, now(), AbortSignal.timeout(ESTIMATE_LIMIT_MS)),
    preview: (text, locale) => planner.preview(text, locale, now()),
    whyTextWrong,
    whyWrong({ steps, trigger }, locale) {
      const odd = stepsProblem(trigger, steps);
      if (odd !== undefined) return { field: 'steps', why: odd };
      for (const [i, { texts }] of steps.entries()) {
        for (const language of LOCALES) {
          const why = texts[language] === undefined ? undefined : whyTextWrong(texts[language], locale);
          if (why !== undefined) return { field: `steps.${i}.texts.${language}`, why: ` ${why}` };
        }
      }
      return undefined;
    },
    steps: (id) => sends.countSteps(id),
    async income({ createdAt, id }) {
      const until = new Date(now().getTime() - days(EARNED_DAYS));
      const found = await parts.campaignIncomes.between(createdAt, until, id);
      const groups = found.get(id) ?? { told: NOBODY, heldOut: NOBODY };
      return { groups, earned: earnedBy(groups), days: EARNED_DAYS };
    },
    isBuiltIn: (id) => id === BUILT_IN_CAMPAIGN,
    weeklyCap: services.settings.CAMPAIGN_WEEKLY_CAP,
  };
}

const NOBODY = { customers: 0, renewed: 0, income: [] };
