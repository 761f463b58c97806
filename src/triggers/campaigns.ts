import type { CampaignEarned, CampaignGroups } from '../lib/campaign-earnings.ts';
import type { Locale } from '../lib/locale.ts';
import type { StepCount } from '../repositories/history/campaign-sends.ts';
import type {
  Campaign,
  CampaignDraft,
  CampaignState,
  Campaigns,
  CampaignWish,
} from '../repositories/history/campaigns.ts';

export const CAMPAIGN_WISHES = ['start', 'pause', 'end'] as const satisfies readonly CampaignWish[];

/** What decides who gets which text. */
export type CampaignPlan = Pick<
  Campaign,
  'audience' | 'holdoutPercent' | 'id' | 'name' | 'steps' | 'trigger' | 'version'
>;

/**
 * What becomes of a customer at a step. `capped`: has had enough messages this week, and gets this one later while it is due.
 * `without_values`: the text names something that is not known of them.
 */
export type CampaignPart = 'told' | 'held_out' | 'unreachable' | 'without_values' | 'capped';

/** What a campaign would do if it ran now. `told` are messages: one for all subscriptions of a person. */
export type CampaignEstimate = {
  parts: Readonly<Record<CampaignPart, number>>;
  steps: readonly { at: number; told: number }[];
  /** The first of those who are told, with the text as they read it. */
  sample: readonly { chat: number; username: string; at: number; text: string }[];
};

/** What a campaign earned, of those whose seven days are over. */
export type CampaignIncome = { groups: CampaignGroups; earned: CampaignEarned | undefined; days: number };

/** Campaigns as doors see them. They need our own schema: `HistoryContext.missing` is asked before. */
export type CampaignsContext = {
  campaigns: Pick<Campaigns, 'all' | 'change' | 'find'>;
  /** Keeps a new one, which is paused. False where there is one with this id. */
  add(id: string, draft: CampaignDraft, by: string): Promise<boolean>;
  /** Answers the state it is in then; undefined where there is no such campaign. */
  say(id: string, wish: CampaignWish, by: string): Promise<CampaignState | undefined>;
  /** Writes nothing. Throws where panel or database do not answer. */
  estimate(plan: CampaignPlan): Promise<CampaignEstimate>;
  /** A text with values that stand for those of a customer. */
  preview(text: string, locale: Locale): string;
  /** Why steps cannot be kept, with the field; undefined where nothing is wrong. */
  whyWrong(draft: Pick<CampaignDraft, 'steps' | 'trigger'>, locale: Locale): { field: string; why: string } | undefined;
  /** Why one text cannot be sent, in words that go behind the name of its field. */
  whyTextWrong(text: string, locale: Locale): string | undefined;
  /** How many were told and held out at each step so far. */
  steps(id: string): Promise<readonly StepCount[]>;
  /** Of the whole time of the campaign. */
  income(campaign: Pick<Campaign, 'createdAt' | 'id'>): Promise<CampaignIncome>;
  isBuiltIn(id: string): boolean;
  /** CAMPAIGN_WEEKLY_CAP. */
  weeklyCap: number;
};
