import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { dueAfterTheEnd } from '../../domain/subscriptions/due-notices.ts';
import { isOverdue } from '../../domain/subscriptions/expired-users.ts';
import { forEachAtMost, inGroups } from '../../lib/async-iteration.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { BreakerOpenError, errorMessage, SnoozeError, TransientError } from '../../lib/errors.ts';
import { defineTask } from '../../runtime/define-task.ts';

const name = 'disable_expired_users';

/** Users looked at together; all that is held in memory. */
const GROUP = 500;
/** Users dealt with at once. The panel's own limit holds over all workers (REMNAWAVE_CONCURRENCY). */
const AT_ONCE = 8;
/** So many failures are no longer the single user's. */
const FAILURES_TO_STOP = 10;

/**
 * Turns off whom the panel forgot to turn off, and tells everyone whose time is over, once per expiry date. One user's failure keeps
 * nobody else waiting: the others are dealt with, then the run fails and is tried again for the remaining ones.
 */
export default defineTask({
  name,
  summary: {
    en: 'Disables users past their expiry and tells customers that their time is over',
    ru: 'Отключает пользователей с истёкшим сроком и сообщает клиентам, что он закончился',
  },
  payload: z.object({}),
  schedule: { cron: '*/15 * * * *' },
  retry: { delaysMs: [seconds(60), seconds(60), seconds(60)], exhausted: 'alert' },
  timeLimitMs: minutes(14),
  counts: {
    checked: 'Panel users looked at',
    unreadable: 'Panel users left out because they cannot be read; they are neither due nor gone',
    disabled: 'Users turned off',
    left: 'Users left alone: extended or changed meanwhile',
    gone: 'Users that the panel no longer has',
    told: 'Notices queued',
    paid: 'Users neither turned off nor told, because they have paid or were promised more time',
    unknown: 'Users left for the next run because Crypto Pay does not say whether they have paid',
    held: 'Runs held by the brake on mass effects',
  },
  needs: ['brake', 'customerPicture', 'expiredUsers', 'panel', 'subscriptionNotices'],

  async run(_, { brake, customerPicture, expiredUsers, log, now, panel, signal, subscriptionNotices, task }) {
    const counts = {
      ...{ checked: 0, unreadable: 0, disabled: 0, left: 0, gone: 0, told: 0 },
      ...{ paid: 0, unknown: 0, held: 0 },
    };
    for (const { outcome, told } of await expiredUsers.finish(now, signal)) {
      counts[outcome] += 1;
      counts.told += told;
    }

    const overdueUnpaid = (users: readonly PanelUser[]) =>
      customerPicture.unpaid(
        users.filter((user) => isOverdue(user, now)),
        (user) => user,
        now,
        signal,
      );

    let affected = 0;
    const listing = panel.users({}, signal);
    for await (const users of inGroups(listing, GROUP)) {
      counts.checked += users.length;
      const overdue = await overdueUnpaid(users);
      const plan = await subscriptionNotices.plan(dueAfterTheEnd(users, now), now, signal);
      affected += overdue.items.length + plan.notices.length;
      counts.paid += overdue.paid + plan.paid;
      counts.unknown += overdue.unknown + plan.unknown;
    }
    counts.unreadable = listing.holes.length;
    const { total } = await panel.countUsers(signal);
    const listed = counts.checked + counts.unreadable;
    const verdict = await brake.check({ task, wouldTouch: affected, listed, counted: total, now });
    if (!verdict.go) return { ...counts, held: 1 };
    if (affected === 0) return counts;

    const failures: unknown[] = [];
    const turnOff = async (user: PanelUser): Promise<void> => {
      try {
        const { outcome, told } = await expiredUsers.disable(user, now, signal);
        counts[outcome] += 1;
        counts.told += told;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SnoozeError) throw error;
        failures.push(error);
        log.warn({ err: error, panel_user: user.id }, 'user not disabled, will be tried again');
        if (error instanceof BreakerOpenError || failures.length >= FAILURES_TO_STOP) throw asOne(failures);
      }
    };
    let left = verdict.atMost;
    for await (const users of inGroups(panel.users({}, signal), GROUP)) {
      const overdue = (await overdueUnpaid(users)).items.slice(0, left);
      left -= overdue.length;
      await forEachAtMost(overdue, AT_ONCE, turnOff);
      const { notices } = await subscriptionNotices.plan(dueAfterTheEnd(users, now), now, signal);
      const allowed = notices.slice(0, left);
      left -= allowed.length;
      counts.told += await subscriptionNotices.queue(allowed, now, signal);
      if (left <= 0) break;
    }
    if (failures.length > 0) throw asOne(failures);
    return counts;
  },
});

function asOne(failures: readonly unknown[]): TransientError {
  const message = `${name}: ${failures.length} user(s) could not be disabled, the others were; the first because: ${errorMessage(failures[0])}`;
  return new TransientError('users_failed', message, { cause: failures[0] });
}
