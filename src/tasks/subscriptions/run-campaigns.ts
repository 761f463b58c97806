import { z } from 'zod';
import type { CampaignPlanGroup, PlannedMessage } from '../../domain/campaigns/campaign-planner.ts';
import { userLine } from '../../domain/subscriptions/user-line.ts';
import { addCounts } from '../../lib/add-counts.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { ReceiptLine } from '../../lib/receipt.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';

/**
 * Queues what the campaigns of staff have to say to whom now. A first pass counts for the brake, a second queues, so memory does not grow
 * with the users. A step and its message come into being together in PostgreSQL: run twice, also at once, it tells nobody twice.
 */
export default defineMassTask({
  name: 'run_campaigns',
  summary: {
    en: 'Queues the messages of campaigns: before and after the end, not connected, traffic, silence',
    ru: 'Ставит в очередь сообщения кампаний: до и после конца срока, не подключился, трафик, молчание',
  },
  payload: z.object({}),
  schedule: { cron: '20 * * * *' },
  retry: { delaysMs: [seconds(60), seconds(60), seconds(60)], exhausted: 'alert' },
  timeLimitMs: minutes(20),
  counts: {
    checked: 'Panel users looked at',
    unreadable: 'Panel users left out because they cannot be read; they are neither due nor gone',
    queued: 'Messages queued',
    held_out: 'Customers who get nothing by choice',
    capped: 'Messages that wait because the customer has had enough this week',
    without_telegram: 'Steps of users whose Telegram id is not known',
    without_values: 'Steps whose text names what is not known of the customer',
    unreachable: 'Steps of users whom Telegram cannot reach',
    paid: 'Steps of users who have paid, or were promised more time',
    unknown: 'Users left for the next run because Crypto Pay does not say whether they have paid',
    held: 'Runs held by the brake on mass effects',
  },
  effects: { send: { en: 'send the message', ru: 'отправить сообщение' } },
  needs: ['brake', 'campaignPlanner', 'campaigns', 'campaignsArePossible', 'campaignSends', 'panel', 'settings'],

  async *plan(_, { campaignPlanner, campaigns, campaignsArePossible, now, signal }): AsyncGenerator<CampaignPlanGroup> {
    if (await campaignsArePossible()) yield* campaignPlanner.groups(await campaigns.running(), now, signal);
  },

  show: (message) => messageLine(message),

  async run(_, services, planned) {
    const { brake, campaigns, campaignsArePossible, campaignSends, now, panel, settings, signal, task } = services;
    const counts = {
      ...{ checked: 0, unreadable: 0, queued: 0, held_out: 0, capped: 0, without_telegram: 0 },
      ...{ without_values: 0, unreachable: 0, paid: 0, unknown: 0, held: 0 },
    };
    if (!(await campaignsArePossible()) || (await campaigns.running()).length === 0) return counts;
    await campaignSends.forget(now);
    let due = 0;
    for await (const group of planned.groups()) {
      addCounts(counts, group.counts);
      due += group.steps.length;
    }
    const { total } = await panel.countUsers(signal);
    const listed = counts.checked + counts.unreadable;
    const verdict = await brake.check({
      ...{ task, wouldTouch: due, listed, counted: total, now, signal },
      lines: planned.lines,
    });
    if (!verdict.go) return { ...counts, held: 1 };
    if (due + counts.held_out === 0) return counts;

    let left = verdict.atMost;
    for await (const { heldOut, steps } of planned.groups()) {
      signal.throwIfAborted();
      const messages = (await brake.allowed(verdict, steps, planned.lineOf)).slice(0, left);
      left -= messages.length;
      await planned.receipt.begun(messages.map(receiptLine));
      const batch = await campaignSends.record({ messages, heldOut }, { now, weeklyCap: settings.CAMPAIGN_WEEKLY_CAP });
      counts.queued += batch.queued;
      counts.capped += batch.capped;
    }
    return counts;
  },
});

const messageLine = ({ campaignName, text, users }: PlannedMessage) =>
  userLine('send', users[0]!, `${campaignName}: ${text}`);

/** Its row says whether it was queued. */
const receiptLine = (message: PlannedMessage): ReceiptLine => {
  const { expireAt, status, telegramId } = message.users[0]!;
  return {
    ...{ act: message.id, isMessage: true, ...messageLine(message) },
    was: { status, expire_at: expireAt.toISOString(), telegram_id: telegramId ?? undefined },
  };
};
