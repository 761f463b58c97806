import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Campaign, CampaignDraft } from '../../../repositories/history/campaigns.ts';
import {
  CampaignBody,
  CampaignDetailsBody,
  CampaignEstimateBody,
  CampaignFields,
  CampaignShownBody,
  CampaignStateBody,
  campaignBody,
  campaignDraft,
  estimateBody,
  incomeBody,
  sentBody,
} from '../../campaign-bodies.ts';
import { CAMPAIGN_WISHES, type CampaignsContext } from '../../campaigns.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute } from './route.ts';

const BODY_BYTES = 4 * 1024 * 1024;

const CampaignId = z.object({ id: z.guid({ error: 'must be the id of a campaign, a UUID' }) });

const WISHES: Readonly<Record<(typeof CAMPAIGN_WISHES)[number], string>> = {
  start: 'Start it, or go on with it; repeating it changes nothing more',
  pause: 'Pause it, and withdraw what is queued; repeating it changes nothing more',
  end: 'End it permanently; repeating it changes nothing more',
};

/** Campaigns of staff: who gets which text when, how many got it, and what it earned. */
export function campaignRoutes(context: HttpContext): readonly ApiRoute[] {
  const kept = async (): Promise<CampaignsContext> => {
    await keptHistory(context);
    return context.campaigns;
  };
  const found = async (id: string): Promise<Campaign> => {
    const campaign = await (await kept()).campaigns.find(id);
    if (!campaign) throw new Problem('not-found', `There is no campaign ${id}.`);
    return campaign;
  };
  const shown = async (id: string) => campaignBody(await found(id), context.campaigns);
  const about = { tag: 'Campaigns', needs: 'admin', problems: ['conflict', 'makes-no-sense'] } as const;
  const ofOne = { ...about, params: CampaignId, problems: ['conflict', 'makes-no-sense', 'not-found'] } as const;
  return [
    apiRoute({
      ...about,
      id: 'listCampaigns',
      method: 'GET',
      path: '/api/v1/campaigns',
      summary: 'Campaigns, the built-in one first',
      answers: { 200: { description: 'All', schema: z.object({ campaigns: z.array(CampaignShownBody) }) } },
      async handle() {
        const all = await (await kept()).campaigns.all();
        return { status: 200, body: { campaigns: all.map((one) => campaignBody(one, context.campaigns)) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'estimateCampaign',
      method: 'POST',
      path: '/api/v1/campaign-estimates',
      summary: 'Whom a campaign would write to now, with the text as the first twenty read it; writes nothing',
      body: CampaignBody.omit({ name: true }),
      bodyBytes: BODY_BYTES,
      answers: { 200: { description: 'What it would do', schema: CampaignEstimateBody } },
      async handle({ body }) {
        const campaigns = await kept();
        const draft = campaignDraft({ ...body, name: '' });
        assertSense(campaigns, draft);
        const plan = { ...draft, id: body.id ?? randomUUID(), version: 1 };
        return { status: 200, body: estimateBody(await campaigns.estimate(plan)) };
      },
    }),
    apiRoute({
      ...about,
      id: 'addCampaign',
      method: 'POST',
      path: '/api/v1/campaigns',
      summary: 'Keep a campaign, which is paused until somebody starts it',
      body: CampaignBody,
      bodyBytes: BODY_BYTES,
      answers: {
        201: { description: 'It is kept', schema: CampaignShownBody },
        200: { description: 'There was one with this id, which stays as it is', schema: CampaignShownBody },
      },
      async handle({ body }, { audit, caller }) {
        const campaigns = await kept();
        const draft = campaignDraft(body);
        assertSense(campaigns, draft);
        const id = body.id ?? randomUUID();
        const isNew = await campaigns.add(id, draft, caller);
        const { name, trigger } = draft;
        if (isNew)
          await audit({ action: 'campaign.made', entityType: 'campaign', entityId: id, details: { name, trigger } });
        return { status: isNew ? 201 : 200, body: await shown(id) };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'getCampaign',
      method: 'GET',
      path: '/api/v1/campaigns/{id}',
      summary: 'One campaign: how many got each step, and what it earned',
      answers: { 200: { description: 'The campaign', schema: CampaignDetailsBody } },
      async handle({ params: { id } }) {
        const campaign = await found(id);
        const [steps, income] = await Promise.all([context.campaigns.steps(id), context.campaigns.income(campaign)]);
        const body = {
          ...campaignBody(campaign, context.campaigns),
          sent: steps.map(sentBody),
          income: incomeBody(income),
        };
        return { status: 200, body };
      },
    }),
    apiRoute({
      ...ofOne,
      id: 'changeCampaign',
      method: 'POST',
      path: '/api/v1/campaigns/{id}',
      summary: 'Change a campaign, also while it runs; what it waits for stays',
      body: z.strictObject(CampaignFields),
      bodyBytes: BODY_BYTES,
      answers: { 200: { description: 'As it is now', schema: CampaignShownBody } },
      async handle({ body, params: { id } }, { audit, caller }) {
        const campaigns = await kept();
        const draft = campaignDraft(body);
        assertSense(campaigns, draft);
        const { state, trigger } = await found(id);
        if (!(await campaigns.campaigns.change(id, draft, caller)))
          throw new Problem('conflict', whyUnchanged(campaigns.isBuiltIn(id), state, trigger));
        const { name } = draft;
        await audit({ action: 'campaign.changed', entityType: 'campaign', entityId: id, details: { name } });
        return { status: 200, body: await shown(id) };
      },
    }),
    ...CAMPAIGN_WISHES.map((wish) =>
      apiRoute({
        ...ofOne,
        id: `${wish}Campaign`,
        method: 'POST',
        path: `/api/v1/campaigns/{id}/${wish}`,
        summary: WISHES[wish],
        answers: { 202: { description: 'The state it is in now', schema: CampaignStateBody } },
        async handle({ params: { id } }, { audit, caller }) {
          await found(id);
          const state = await context.campaigns.say(id, wish, caller);
          await audit({ action: `campaign.${wish}`, entityType: 'campaign', entityId: id, details: { state } });
          return { status: 202, body: { id, state } };
        },
      }),
    ),
  ];
}

function whyUnchanged(isBuiltIn: boolean, state: string, trigger: string): string {
  if (isBuiltIn) return 'It is built in: pause it, and make a campaign of your own in its place.';
  return state === 'ended' ? 'It has ended, and stays as it is.' : `It waits for ${trigger}; make another campaign.`;
}

function assertSense(campaigns: CampaignsContext, draft: Pick<CampaignDraft, 'steps' | 'trigger'>): void {
  const wrong = campaigns.whyWrong(draft, 'en');
  if (wrong) throw new Problem('makes-no-sense', `${wrong.field}${wrong.why}`);
}
