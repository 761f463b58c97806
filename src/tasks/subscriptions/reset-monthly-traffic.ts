import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { isDue, isOurs, isReset, monthOf, resetLine } from '../../domain/subscriptions/monthly-resets.ts';
import { userLine } from '../../domain/subscriptions/user-line.ts';
import { addCounts } from '../../lib/add-counts.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import type { PlannedLine } from '../../lib/planned-line.ts';
import { queuedText } from '../../messages/queued-text.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { Planned, PlannedGroup } from '../../runtime/define-task.ts';
import broadcastMessage from '../notifications/broadcast-message.ts';

/** Users looked at together; all that is held in memory besides the Telegram ids of the broadcast. */
const GROUP = 500;
/** Bulk calls say nothing about the single user: the panel's listing does, after this. */
const CONFIRM_AFTER_MS = seconds(30);

/** What the audit trail calls a month that is done; its entity is the month. */
const DONE = 'traffic.monthly_reset';

/**
 * Resets the traffic of users whose strategy leaves that to us, then tells them. `lastTrafficResetAt` at the panel says who is done, so
 * a run that was killed goes on where it was. The run ends only when a listing shows everybody done; until then it snoozes.
 */
export default defineMassTask({
  name: 'reset_monthly_traffic',
  summary: {
    en: 'Resets the monthly traffic that the panel does not reset by itself, then tells the users',
    ru: 'Сбрасывает месячный трафик, который панель не сбрасывает сама, и сообщает пользователям',
  },
  payload: z.object({}),
  schedule: { cron: '0 0 1 * *' },
  retry: { delaysMs: [seconds(60), seconds(60), seconds(60)], exhausted: 'alert' },
  timeLimitMs: minutes(30),
  counts: {
    checked: 'Panel users looked at',
    unreadable: 'Panel users left out because they cannot be read; they are neither due nor gone',
    reset: 'Users whose traffic starts again this month',
    told: 'Chats that the broadcast goes to',
    held: 'Runs held by the brake on mass effects',
  },
  effects: {
    reset: { en: 'reset the traffic', ru: 'сбросить трафик' },
    tell: { en: 'tell the chat afterwards', ru: 'затем сообщить в чат' },
  },
  needs: [
    'auditLogs',
    'brake',
    'customerTexts',
    'decisions',
    'monthlyResets',
    'panel',
    'settings',
    'subscriptionNotices',
  ],

  async *plan(_, { decisions, panel, scheduledFor, settings, signal, subscriptionNotices }): AsyncGenerator<Group> {
    const { month, startedAt } = monthOf(scheduledFor);
    const strategies = new Set(settings.RESET_STRATEGIES);
    const isTold = await decisions.isAudited(DONE, month);
    const chats = new Set<number>();
    const listing = panel.users({}, signal);
    for await (const users of inGroups(listing, GROUP)) {
      const ours = users.filter((user) => isOurs(user, strategies));
      const done = ours.filter((user) => isReset(user, startedAt));
      const due = ours.filter((user) => isDue(user, startedAt));
      const found = isTold ? [] : (await subscriptionNotices.telegramIds([...due, ...done])).values();
      const fresh = [...new Set(found)].filter((chat) => !chats.has(chat));
      for (const chat of fresh) chats.add(chat);
      yield {
        steps: [
          ...due.map((user): Step => ({ does: 'reset', user })),
          ...fresh.map((chat): Step => ({ does: 'tell', chat })),
        ],
        done,
        counts: { checked: users.length, reset: done.length },
      };
    }
    yield { steps: [], done: [], counts: { unreadable: listing.holes.length } };
  },

  show: (step) =>
    step.does === 'reset'
      ? userLine('reset', step.user, `${step.user.usedTrafficBytes} bytes`)
      : { effect: 'tell', subject: String(step.chat) },

  async run(_, context, planned) {
    const {
      auditLogs,
      brake,
      customerTexts,
      decisions,
      enqueue,
      log,
      monthlyResets,
      now,
      panel,
      settings,
      signal,
      task,
    } = context;
    const { month } = monthOf(context.scheduledFor);
    const counts = { checked: 0, unreadable: 0, reset: 0, told: 0, held: 0 };
    const chats: number[] = [];
    let due = 0;
    for await (const group of planned.groups()) {
      addCounts(counts, group.counts);
      // The bulk call of an earlier turn has no answer: this listing is it.
      await planned.receipt.settled(group.done.map((user) => resetLine(user, month).act));
      for (const step of group.steps) {
        if (step.does === 'reset') due += 1;
        else chats.push(step.chat);
      }
    }
    const { total } = await panel.countUsers(signal);
    const listed = counts.checked + counts.unreadable;
    const verdict = await brake.check({
      ...{ task, wouldTouch: due, listed, counted: total, now, signal },
      lines: () => resetLines(planned),
    });
    if (!verdict.go) return { ...counts, held: 1 };

    if (due > 0) {
      await monthlyResets.mustBeHeard(month, now);
      let left = verdict.atMost;
      for await (const { steps } of planned.groups()) {
        const free = await brake.allowed(verdict, steps, planned.lineOf);
        const group = free.flatMap((step) => (step.does === 'reset' ? step.user : []));
        const some = group.slice(0, left);
        await planned.receipt.begun(some.map((user) => resetLine(user, month)));
        left -= await monthlyResets.ask(some, month, now, signal);
        if (left <= 0) break;
      }
      throw new SnoozeError(`${task.name}: ${due} users asked for, reading again`, { delayMs: CONFIRM_AFTER_MS });
    }

    if (counts.reset === 0 || (await decisions.isAudited(DONE, month))) return counts;
    if (chats.length > 0) {
      const message = queuedText({ kind: 'reset', locale: settings.DEFAULT_LOCALE }, now, customerTexts.wording);
      const payload = { telegram_ids: chats, message, notification_type: 'broadcast:traffic_reset' };
      // One id per month: a run that was killed before the next line enqueues the same job again, which adds nothing.
      await enqueue(broadcastMessage, payload, { jobId: `traffic_reset_${month}` });
    }
    await auditLogs.write([
      {
        action: DONE,
        entityType: 'traffic',
        entityId: month,
        newValue: { users: counts.reset, ...(counts.unreadable > 0 && { unreadable: counts.unreadable }) },
      },
    ]);
    log.info({ month, users: counts.reset }, 'monthly traffic reset is complete');
    return { ...counts, told: chats.length };
  },
});

type Step = { does: 'reset'; user: PanelUser } | { does: 'tell'; chat: number };
type Group = PlannedGroup<Step, 'checked' | 'reset' | 'unreadable'> & { done: readonly PanelUser[] };

/** What the brake is about: the resets. The messages follow once all are confirmed. */
async function* resetLines(planned: Planned<Group>): AsyncGenerator<readonly PlannedLine[]> {
  for await (const lines of planned.lines()) yield lines.filter(({ effect }) => effect === 'reset');
}
