import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { issueInWords } from '../../lib/issue-in-words.ts';
import type { Campaign } from '../../repositories/history/campaigns.ts';
import type { Act } from '../act.ts';
import {
  CampaignBody,
  CampaignFields,
  campaignBody,
  campaignDraft,
  estimateBody,
  incomeBody,
  sentBody,
} from '../campaign-bodies.ts';
import { CAMPAIGN_WISHES, type CampaignsContext } from '../campaigns.ts';
import type { HistoryContext } from '../history.ts';
import {
  type Command,
  type CommandArgs,
  type Output,
  type PersonContext,
  payloadOption,
  table,
  UsageError,
  wordAt,
} from './command.ts';

/** Campaigns, and the person at the terminal. */
export type CampaignContext = PersonContext & { campaigns: CampaignsContext; history: Pick<HistoryContext, 'missing'> };

const VERBS = ['list', 'show', 'estimate', 'add', 'change', ...CAMPAIGN_WISHES] as const;

export const campaignCommands: readonly Command<CampaignContext>[] = [
  {
    name: 'campaigns',
    usage:
      '[list | show ID | estimate ID | add --payload JSON | change ID --payload JSON | start ID | pause ID | end ID]',
    maxWords: 2,
    summary: 'List campaigns, see whom they write to and what they earned, make, change, start, pause and end them',
    options: { payload: { type: 'string' } },
    async run(args, context, output) {
      const missing = await context.history.missing();
      if (missing) throw new Error(missing.en);
      const verb = VERBS.find((one) => one === (args.words[0] ?? 'list'));
      if (!verb) throw new UsageError(`campaigns can ${VERBS.join(', ')}, not '${args.words[0]}'`);
      if (verb === 'list') return await list(context, output);
      if (verb === 'add') return await add(args, context, output);
      const campaign = await foundAt(args, context);
      if (verb === 'show') return await show(campaign, context, output);
      if (verb === 'estimate') return await estimate(campaign, context, output);
      if (verb === 'change') return await change(campaign, args, context, output);
      const state = await context.campaigns.say(campaign.id, verb, context.caller);
      await context.record(actOf(verb, campaign.id, { state }));
      output.print({ id: campaign.id, state }, [`${campaign.name} is ${state}`]);
      return 0;
    },
  },
];

async function list({ campaigns }: CampaignContext, { print }: Output): Promise<number> {
  const all = await campaigns.campaigns.all();
  const rows = all.map(({ id, name, state, steps, trigger }) => [
    ...[id, state, trigger, steps.map(({ at }) => at).join(','), name],
  ]);
  print(
    all.map((one) => campaignBody(one, campaigns)),
    table([['ID', 'STATE', 'WAITS FOR', 'AT', 'NAME'], ...rows]),
  );
  return 0;
}

async function show(campaign: Campaign, { campaigns }: CampaignContext, { print }: Output): Promise<number> {
  const [steps, income] = await Promise.all([campaigns.steps(campaign.id), campaigns.income(campaign)]);
  const { earned, groups } = income;
  const { name, state, trigger } = campaign;
  const heads = ['AT', 'TOLD', 'HELD OUT', 'LAST'];
  const rows = steps.map(({ heldOut, lastAt, step, told }) => [
    `${step}`,
    `${told}`,
    `${heldOut}`,
    lastAt.toISOString(),
  ]);
  const share = ({ customers, renewed }: { customers: number; renewed: number }) => `${renewed} of ${customers}`;
  const money = (earned?.income ?? []).map(({ amount, currency }) => `, ${amount} ${currency}`).join('');
  print({ ...campaignBody(campaign, campaigns), sent: steps.map(sentBody), income: incomeBody(income) }, [
    `${name}: ${state}, ${trigger}`,
    ...(rows.length === 0 ? ['It has written to nobody yet.'] : table([heads, ...rows])),
    `Renewed within ${income.days} days: ${share(groups.told)}; of those who got nothing: ${share(groups.heldOut)}`,
    earned ? `Earned: ${earned.renewals} renewals${money}` : 'Nobody was held out to compare with.',
  ]);
  return 0;
}

async function estimate(campaign: Campaign, { campaigns }: CampaignContext, { print }: Output): Promise<number> {
  const body = estimateBody(await campaigns.estimate(campaign));
  const rows = body.sample.map(({ at, telegram_id: chat, text, username }) => [`${chat}`, username, `${at}`, text]);
  print(body, [
    `It would write to ${body.told} now; held out ${body.held_out}, cannot be reached ${body.unreachable}, enough this week ${body.capped}, lack what the text names ${body.without_values}`,
    ...(rows.length === 0 ? [] : table([['CHAT', 'USER', 'AT', 'TEXT'], ...rows])),
  ]);
  return 0;
}

async function add(args: CommandArgs, context: CampaignContext, output: Output): Promise<number> {
  const { id = randomUUID(), ...body } = parsed(CampaignBody, args);
  const draft = sensible(campaignDraft(body), context);
  const isNew = await context.campaigns.add(id, draft, context.caller);
  const { name, trigger } = draft;
  if (isNew) await context.record(actOf('made', id, { name, trigger }));
  output.print({ id, made: isNew }, [
    isNew ? `${name} is kept as ${id}, and paused until you start it` : `There is a campaign ${id} already`,
  ]);
  return 0;
}

async function change(
  campaign: Campaign,
  args: CommandArgs,
  context: CampaignContext,
  output: Output,
): Promise<number> {
  const draft = sensible(campaignDraft(parsed(z.strictObject(CampaignFields), args)), context);
  const { id } = campaign;
  const isChanged = await context.campaigns.campaigns.change(id, draft, context.caller);
  if (isChanged) await context.record(actOf('changed', id, { name: draft.name }));
  output.print({ id, changed: isChanged }, [
    isChanged
      ? `${draft.name} is changed`
      : 'It has ended, is built in, or waits for something else; nothing was changed',
  ]);
  return isChanged ? 0 : 1;
}

const actOf = (what: string, entityId: string, details: Act['details'] & object): Act => ({
  action: `campaign.${what}`,
  entityType: 'campaign',
  entityId,
  details,
});

function parsed<T>(schema: z.ZodType<T>, args: CommandArgs): T {
  const read = schema.safeParse(payloadOption(args), { error: issueInWords });
  if (read.success) return read.data;
  const [{ message, path }] = read.error.issues as [z.core.$ZodIssue];
  throw new UsageError(`--payload: ${path.join('.')} ${message}`);
}

function sensible(draft: ReturnType<typeof campaignDraft>, { campaigns }: CampaignContext) {
  const wrong = campaigns.whyWrong(draft, 'en');
  if (wrong) throw new UsageError(`--payload: ${wrong.field}${wrong.why}`);
  return draft;
}

async function foundAt(args: CommandArgs, { campaigns }: CampaignContext): Promise<Campaign> {
  const id = z.guid().safeParse(wordAt(args, 1, 'The id of the campaign'));
  const campaign = id.success ? await campaigns.campaigns.find(id.data) : undefined;
  if (!campaign) throw new UsageError(`There is no campaign '${args.words[1]}'; \`task-worker campaigns\` lists them`);
  return campaign;
}
