import { SegmentConditions } from './segment.ts';

/** What a campaign waits for. Each counts the distances of its steps in a unit of its own. */
export const CAMPAIGN_TRIGGERS = ['before_end', 'after_end', 'not_connected', 'traffic', 'silent'] as const;
export type CampaignTrigger = (typeof CAMPAIGN_TRIGGERS)[number];

/** The unit of `at`: hours before or after the end, hours since the user was made, percent of the allowance, days without traffic. */
export const STEP_UNITS: Readonly<Record<CampaignTrigger, 'hours' | 'percent' | 'days'>> = {
  before_end: 'hours',
  after_end: 'hours',
  not_connected: 'hours',
  traffic: 'percent',
  silent: 'days',
};

/** The largest distance by unit: a year, all of the allowance, a year. */
const MOST = { hours: 8_760, percent: 100, days: 365 } as const;

/** The largest `at` of any unit. It has four digits, so that the type of a message fits into its column. */
export const MOST_AT = MOST.hours;

export const MOST_STEPS = 10;

/** Whom a campaign is for, besides what it waits for; a trial is `not_paid_within_days`. No condition means everybody. */
export const CampaignAudience = SegmentConditions.pick({
  plans: true,
  languages: true,
  tags: true,
  paid_within_days: true,
  not_paid_within_days: true,
}).describe('Conditions that must all be met; none at all means every customer');

/** A distance and what is said there, in Telegram's HTML. A reader of the other language gets the text that there is. */
export type CampaignStep = { at: number; texts: { en?: string | undefined; ru?: string | undefined } };

/** Why steps make no sense, in words that go behind their name; undefined where nothing is wrong. */
export function stepsProblem(trigger: CampaignTrigger, steps: readonly Pick<CampaignStep, 'at'>[]): string | undefined {
  const unit = STEP_UNITS[trigger];
  const far = steps.find(({ at }) => at > MOST[unit]);
  if (far) return `: at must be at most ${MOST[unit]} ${unit} with ${trigger}, not ${far.at}`;
  const seen = new Set<number>();
  for (const { at } of steps) {
    if (seen.has(at)) return `: two steps are at ${at} ${unit}`;
    seen.add(at);
  }
  return undefined;
}

/** `notification_queue.notification_type` of a step's messages; at most 50 characters. */
export const typeOfStep = (campaign: string, at: number): string => `campaign:${campaign}:${at}`;

/** Whether a message is one of a campaign. */
export const isOfCampaign = (type: string): boolean => type.startsWith('campaign:');
