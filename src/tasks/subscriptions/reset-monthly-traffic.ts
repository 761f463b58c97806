import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { isDue, isOurs, isReset, monthOf } from '../../domain/subscriptions/monthly-resets.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { trafficReset } from '../../messages/subscriptions.ts';
import { defineTask } from '../../runtime/define-task.ts';
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
export default defineTask({
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
  needs: ['auditLogs', 'brake', 'decisions', 'monthlyResets', 'panel', 'settings', 'subscriptionNotices'],

  async run(_, context) {
    const {
      auditLogs,
      brake,
      decisions,
      enqueue,
      log,
      monthlyResets,
      now,
      panel,
      scheduledFor,
      settings,
      signal,
      task,
    } = context;
    const { month, startedAt } = monthOf(scheduledFor);
    const strategies = new Set(settings.RESET_STRATEGIES);
    const ours = (users: readonly PanelUser[]) => users.filter((user) => isOurs(user, strategies));
    const counts = { checked: 0, unreadable: 0, reset: 0, told: 0, held: 0 };
    const chats = new Set<number>();
    let due = 0;
    const listing = panel.users({}, signal);
    for await (const users of inGroups(listing, GROUP)) {
      counts.checked += users.length;
      due += ours(users).filter((user) => isDue(user, startedAt)).length;
      const done = ours(users).filter((user) => isReset(user, startedAt));
      counts.reset += done.length;
      for (const chat of (await context.subscriptionNotices.telegramIds(done)).values()) chats.add(chat);
    }
    counts.unreadable = listing.holes.length;
    const { total } = await panel.countUsers(signal);
    const listed = counts.checked + counts.unreadable;
    const verdict = await brake.check({ task, wouldTouch: due, listed, counted: total, now });
    if (!verdict.go) return { ...counts, held: 1 };

    if (due > 0) {
      await monthlyResets.mustBeHeard(month, now);
      let left = verdict.atMost;
      for await (const users of inGroups(panel.users({}, signal), GROUP)) {
        const group = ours(users).filter((user) => isDue(user, startedAt));
        left -= await monthlyResets.ask(group.slice(0, left), month, now, signal);
        if (left <= 0) break;
      }
      throw new SnoozeError(`${task.name}: ${due} users asked for, reading again`, { delayMs: CONFIRM_AFTER_MS });
    }

    if (counts.reset === 0 || (await decisions.isAudited(DONE, month))) return counts;
    if (chats.size > 0) {
      const message = trafficReset(settings.DEFAULT_LOCALE).toString();
      const payload = { telegram_ids: [...chats], message, notification_type: 'broadcast:traffic_reset' };
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
    return { ...counts, told: chats.size };
  },
});
