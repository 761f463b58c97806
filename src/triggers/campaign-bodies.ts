import { z } from 'zod';
import { CAMPAIGN_TRIGGERS, CampaignAudience, MOST_AT, MOST_STEPS } from '../lib/campaign-rules.ts';
import type { StepCount } from '../repositories/history/campaign-sends.ts';
import type { Campaign, CampaignDraft } from '../repositories/history/campaigns.ts';
import { BroadcastDraftFields } from './broadcast-bodies.ts';
import { MOST_HELD_OUT_PERCENT } from './broadcasts.ts';
import type { CampaignEstimate, CampaignIncome, CampaignsContext } from './campaigns.ts';
import { line } from './text-fields.ts';

const Step = z.strictObject({
  at: z
    .int()
    .min(1)
    .max(MOST_AT)
    .describe(
      'Hours before the end, after it, or since the user was made; percent of the traffic; days without traffic, by `trigger`',
    ),
  texts: BroadcastDraftFields.texts,
});

/** What a campaign is made of. */
export const CampaignFields = {
  name: line(100).describe('For staff; customers do not see it'),
  trigger: z
    .enum(CAMPAIGN_TRIGGERS)
    .describe('What it waits for: `not_connected` since the user was made, `silent` without traffic'),
  steps: z.array(Step).min(1).max(MOST_STEPS).describe('Each distance once'),
  audience: CampaignAudience.default({}),
  holdout_percent: z
    .int()
    .min(0)
    .max(MOST_HELD_OUT_PERCENT)
    .default(0)
    .describe('So many of a hundred customers get nothing, to see what the campaign earns'),
  in_place_of_built_in: z
    .boolean()
    .default(true)
    .describe(
      'Whom it is for does not get the built-in reminders of the end, or with a step at 100 % the notice of used-up traffic',
    ),
};

export const CampaignBody = z.strictObject({
  ...CampaignFields,
  id: z.guid().optional().describe('The same one again adds nothing'),
});

const State = z.enum(['paused', 'running', 'ended']);

export const CampaignShownBody = z.object({
  id: z.string(),
  built_in: z
    .boolean()
    .describe('The reminders that the worker sends without any campaign; they can be paused and started'),
  name: z.string(),
  state: State,
  trigger: z.enum(CAMPAIGN_TRIGGERS),
  steps: z.array(z.object({ at: z.int(), texts: z.object({ en: z.string().optional(), ru: z.string().optional() }) })),
  audience: z.unknown().describe('The conditions, as they were given'),
  holdout_percent: z.int(),
  in_place_of_built_in: z.boolean(),
  created_by: z.string(),
  created_at: z.iso.datetime(),
  changed_by: z.string().nullable(),
  changed_at: z.iso.datetime().nullable(),
  ended_at: z.iso.datetime().nullable(),
});

const Group = z.object({
  customers: z.int(),
  renewed: z.int(),
  income: z.array(z.object({ currency: z.string(), amount: z.string().describe('A decimal number') })),
});

export const CampaignIncomeBody = z.object({
  days: z.int(),
  told: Group,
  held_out: Group,
  earned: z
    .object({ renewals: z.number(), income: Group.shape.income })
    .nullable()
    .describe('Against those who got nothing; null where nobody was held out'),
});

export const CampaignDetailsBody = CampaignShownBody.extend({
  sent: z
    .array(z.object({ at: z.int(), told: z.int(), held_out: z.int(), last_at: z.iso.datetime() }))
    .describe('Customers by step so far'),
  income: CampaignIncomeBody.describe('Of those whose days are over'),
});

export const CampaignEstimateBody = z.object({
  told: z.int().describe('Messages that would be queued now, one for all subscriptions of a person'),
  held_out: z.int(),
  unreachable: z.int(),
  without_values: z.int(),
  capped: z.int().describe('They have had enough this week, and wait'),
  steps: z.array(z.object({ at: z.int(), told: z.int() })),
  sample: z.array(z.object({ telegram_id: z.int(), username: z.string(), at: z.int(), text: z.string() })),
});

export const CampaignStateBody = z.object({ id: z.string(), state: State });

type Draft = z.output<z.ZodObject<typeof CampaignFields>>;

/** Takes the draft out of a body. */
export const campaignDraft = (body: Draft): CampaignDraft => ({
  name: body.name,
  trigger: body.trigger,
  steps: body.steps,
  audience: body.audience,
  holdoutPercent: body.holdout_percent,
  inPlaceOfBuiltIn: body.in_place_of_built_in,
});

export function campaignBody(
  campaign: Campaign,
  { isBuiltIn }: Pick<CampaignsContext, 'isBuiltIn'>,
): z.output<typeof CampaignShownBody> {
  const { audience, changedAt, changedBy, createdAt, createdBy, endedAt, id, name, state, trigger } = campaign;
  return {
    ...{ id, name, state, trigger, audience },
    built_in: isBuiltIn(id),
    steps: [...campaign.steps],
    holdout_percent: campaign.holdoutPercent,
    in_place_of_built_in: campaign.inPlaceOfBuiltIn,
    created_by: createdBy,
    created_at: createdAt.toISOString(),
    changed_by: changedBy ?? null,
    changed_at: changedAt?.toISOString() ?? null,
    ended_at: endedAt?.toISOString() ?? null,
  };
}

export const incomeBody = ({ days, earned, groups }: CampaignIncome): z.output<typeof CampaignIncomeBody> => ({
  days,
  told: { ...groups.told, income: [...groups.told.income] },
  held_out: { ...groups.heldOut, income: [...groups.heldOut.income] },
  earned: earned ? { renewals: earned.renewals, income: [...earned.income] } : null,
});

export const sentBody = ({ heldOut, lastAt, step, told }: StepCount) => ({
  ...{ at: step, told, held_out: heldOut, last_at: lastAt.toISOString() },
});

export const estimateBody = ({ parts, sample, steps }: CampaignEstimate): z.output<typeof CampaignEstimateBody> => ({
  ...parts,
  steps: [...steps],
  sample: sample.map(({ at, chat, text, username }) => ({ telegram_id: chat, username, at, text })),
});
