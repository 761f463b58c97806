import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { dueAfterTheEnd } from '../../domain/subscriptions/due-notices.ts';
import { isOverdue } from '../../domain/subscriptions/expired-users.ts';
import type { Candidate, Notice } from '../../domain/subscriptions/notices.ts';
import { noticeLine, userLine } from '../../domain/subscriptions/user-line.ts';
import { addCounts } from '../../lib/add-counts.ts';
import { forEachAtMost, inGroups } from '../../lib/async-iteration.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { BreakerOpenError, errorMessage, SnoozeError, TransientError } from '../../lib/errors.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { PlannedGroup } from '../../runtime/define-task.ts';

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
export default defineMassTask({
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
  effects: {
    disable: { en: 'disable', ru: 'отключить' },
    disable_and_tell: { en: 'disable, and tell the customer', ru: 'отключить и сообщить клиенту' },
    tell: { en: 'tell the customer that the time is over', ru: 'сообщить клиенту, что срок закончился' },
    write_down: {
      en: 'write down what an interrupted run did',
      ru: 'записать то, что сделал прерванный запуск',
    },
  },
  needs: ['brake', 'customerPicture', 'expiredUsers', 'panel', 'subscriptionNotices'],

  async *plan(_, { customerPicture, expiredUsers, now, panel, signal, subscriptionNotices }): AsyncGenerator<Group> {
    const begun = await expiredUsers.begun(signal);
    yield { steps: begun.map(({ user }) => ({ does: 'write_down', user })), told: [] };
    const listing = panel.users({}, signal);
    for await (const users of inGroups(listing, GROUP)) {
      const late = users.filter((user) => isOverdue(user, now));
      const overdue = await customerPicture.unpaid(late, (user) => user, now, signal);
      const withThem = await expiredUsers.noticesTo(overdue.items, now, signal);
      const isTold = new Set(withThem.map(({ user }) => user.id));
      const plan = await subscriptionNotices.plan(dueAfterTheEnd(users, now), now, signal);
      yield {
        steps: [
          ...overdue.items.map((user): Step => ({ does: isTold.has(user.id) ? 'disable_and_tell' : 'disable', user })),
          ...plan.notices.map((notice): Step => ({ does: 'tell', user: notice.user, notice })),
        ],
        told: plan.told,
        counts: { checked: users.length, paid: overdue.paid + plan.paid, unknown: overdue.unknown + plan.unknown },
      };
    }
    yield { steps: [], told: [], counts: { unreadable: listing.holes.length } };
  },

  show: ({ does, user }) => userLine(does, user, user.expireAt),

  async run(_, { brake, expiredUsers, log, now, panel, signal, subscriptionNotices, task }, planned) {
    const counts = {
      ...{ checked: 0, unreadable: 0, disabled: 0, left: 0, gone: 0, told: 0 },
      ...{ paid: 0, unknown: 0, held: 0 },
    };
    const { receipt } = planned;
    const turning = { now, receipt, signal };
    for (const { outcome, told } of await expiredUsers.finish(turning)) {
      counts[outcome] += 1;
      counts.told += told;
    }

    let affected = 0;
    for await (const group of planned.groups()) {
      addCounts(counts, group.counts);
      affected += group.steps.length;
      await subscriptionNotices.remember(group.told);
    }
    const { total } = await panel.countUsers(signal);
    const listed = counts.checked + counts.unreadable;
    const verdict = await brake.check({
      ...{ task, wouldTouch: affected, listed, counted: total, now, signal },
      lines: planned.lines,
    });
    if (!verdict.go) return { ...counts, held: 1 };
    if (affected === 0) return counts;

    const failures: unknown[] = [];
    const turnOff = async ({ user }: Step): Promise<void> => {
      try {
        const { outcome, told } = await expiredUsers.disable(user, turning);
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
    for await (const { steps } of planned.groups()) {
      const allowed = (await brake.allowed(verdict, steps, planned.lineOf)).slice(0, left);
      left -= allowed.length;
      await forEachAtMost(
        allowed.filter(({ does }) => does === 'disable' || does === 'disable_and_tell'),
        AT_ONCE,
        turnOff,
      );
      const notices = allowed.flatMap(({ notice }) => notice ?? []);
      await receipt.begun(notices.map((notice) => noticeLine('tell', notice)));
      counts.told += await subscriptionNotices.queue(notices, now, signal);
      if (left <= 0) break;
    }
    if (failures.length > 0) throw asOne(failures);
    return counts;
  },
});

/** A notice belongs to `tell` alone: who is disabled is told by what disables. */
type Step = { does: 'disable' | 'disable_and_tell' | 'tell' | 'write_down'; user: PanelUser; notice?: Notice };
type Group = PlannedGroup<Step, 'checked' | 'paid' | 'unknown' | 'unreadable'> & { told: readonly Candidate[] };

function asOne(failures: readonly unknown[]): TransientError {
  const message = `${name}: ${failures.length} user(s) could not be disabled, the others were; the first because: ${errorMessage(failures[0])}`;
  return new TransientError('users_failed', message, { cause: failures[0] });
}
