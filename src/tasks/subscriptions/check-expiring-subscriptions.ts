import { z } from 'zod';
import { dueWhileRunning } from '../../domain/subscriptions/due-notices.ts';
import type { Candidate, Notice } from '../../domain/subscriptions/notices.ts';
import { noticeLine, userLine } from '../../domain/subscriptions/user-line.ts';
import { addCounts } from '../../lib/add-counts.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { PlannedGroup } from '../../runtime/define-task.ts';

/** Users looked at together: one question to each table per group, and all that is held in memory. */
const GROUP = 500;

/**
 * Reminds customers whose time runs out, and tells those whose traffic is used up. A first pass counts for the brake, a second queues, so memory does not grow with the users.
 * Run twice, also at once, it tells nobody twice: the row's id follows from the user and what is told.
 */
export default defineMassTask({
  name: 'check_expiring_subscriptions',
  summary: {
    en: 'Queues reminders for subscriptions that end within 7 d, 3 d, 24 h or 6 h, and notices of used-up traffic',
    ru: 'Ставит в очередь напоминания о подписках, которые кончатся через 7 дн., 3 дн., 24 ч или 6 ч, и уведомления об исчерпанном трафике',
  },
  payload: z.object({}),
  schedule: { cron: '0 * * * *' },
  retry: { delaysMs: [seconds(60), seconds(60), seconds(60)], exhausted: 'alert' },
  timeLimitMs: minutes(10),
  counts: {
    checked: 'Panel users looked at',
    unreadable: 'Panel users left out because they cannot be read; they are neither due nor gone',
    reminded: 'Reminders and notices of used-up traffic queued',
    without_telegram: 'Reminders and notices due to users whose Telegram id is not known',
    unreachable: 'Reminders and notices due to users whom Telegram cannot reach',
    paid: 'Users not told because they have paid, or were promised more time',
    unknown: 'Users left for the next run because Crypto Pay does not say whether they have paid',
    held: 'Runs held by the brake on mass effects',
  },
  effects: {
    remind: { en: 'remind that the subscription ends soon', ru: 'напомнить, что подписка скоро кончится' },
    tell_of_traffic: { en: 'tell that the traffic is used up', ru: 'сообщить, что трафик исчерпан' },
  },
  needs: ['brake', 'lostContacts', 'panel', 'subscriptionNotices'],

  async *plan(_, { now, panel, signal, subscriptionNotices }): AsyncGenerator<Group> {
    const listing = panel.users({}, signal);
    for await (const users of inGroups(listing, GROUP)) {
      const found = dueWhileRunning(users, now);
      const { notices, paid, told, unknown, unreachable, withoutTelegram } = await subscriptionNotices.plan(
        found,
        now,
        signal,
      );
      yield {
        steps: notices,
        candidates: found.length,
        told,
        counts: { checked: users.length, without_telegram: withoutTelegram, unreachable, paid, unknown },
      };
    }
    yield { steps: [], candidates: 0, told: [], counts: { unreadable: listing.holes.length } };
  },

  show: ({ kind, user }) =>
    kind === 'traffic'
      ? userLine('tell_of_traffic', user, `${user.usedTrafficBytes} of ${user.trafficLimitBytes} bytes`)
      : userLine('remind', user, user.expireAt),

  async run(_, { brake, lostContacts, now, panel, signal, subscriptionNotices, task }, planned) {
    const counts = {
      ...{ checked: 0, unreadable: 0, reminded: 0, without_telegram: 0 },
      ...{ unreachable: 0, paid: 0, unknown: 0, held: 0 },
    };
    let due = 0;
    let candidates = 0;
    for await (const group of planned.groups()) {
      addCounts(counts, group.counts);
      candidates += group.candidates;
      due += group.steps.length;
      await subscriptionNotices.remember(group.told);
    }
    const { total } = await panel.countUsers(signal);
    const listed = counts.checked + counts.unreadable;
    const verdict = await brake.check({
      ...{ task, wouldTouch: due, listed, counted: total, now, signal },
      lines: planned.lines,
    });
    if (!verdict.go) return { ...counts, held: 1 };
    await lostContacts.note({ withoutTelegram: counts.without_telegram, due: candidates }, now);
    if (due === 0) return counts;

    for await (const { steps } of planned.groups()) {
      const free = await brake.allowed(verdict, steps, planned.lineOf);
      const allowed = free.slice(0, verdict.atMost - counts.reminded);
      await planned.receipt.begun(
        allowed.map((notice) => noticeLine(notice.kind === 'traffic' ? 'tell_of_traffic' : 'remind', notice)),
      );
      counts.reminded += await subscriptionNotices.queue(allowed, now, signal);
      if (counts.reminded >= verdict.atMost) break;
    }
    return counts;
  },
});

type Group = PlannedGroup<
  Notice,
  'checked' | 'paid' | 'unknown' | 'unreachable' | 'unreadable' | 'without_telegram'
> & {
  candidates: number;
  told: readonly Candidate[];
};
