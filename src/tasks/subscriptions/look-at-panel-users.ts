import { z } from 'zod';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';
import checkExpiringSubscriptions from './check-expiring-subscriptions.ts';
import disableExpiredUsers from './disable-expired-users.ts';

/** The tasks that find the same without events. */
const SWEEPS = [checkExpiringSubscriptions, disableExpiredUsers] as const;
/** A burst of events makes each of them run once more in this time, besides its schedule. */
const SWEEP_EVERY_MS = minutes(10);

/**
 * Looks at the customers whom events of the panel named: drops what the backend has cached of them, and tells them what is due. It asks the
 * panel for each; of many at once the sweeps take care, which one listing and the brake serve. Running it twice tells nobody twice.
 */
export default defineTask({
  name: 'look_at_panel_users',
  summary: {
    en: 'Looks at the customers whom events of the panel named',
    ru: 'Проверяет клиентов, которых назвали события панели',
  },
  payload: z.object({}),
  retry: { delaysMs: [seconds(5), seconds(30), minutes(2)], exhausted: 'next-run' },
  timeLimitMs: minutes(2),
  counts: {
    looked: 'Customers looked at',
    gone: 'Those among them whom the panel no longer has',
    told: 'Notices queued',
    left: 'Customers and notices left to the sweeps: too many at once, or unreadable',
  },
  needs: ['customerLooks'],

  async run(_, { again, customerLooks, enqueue, log, now, signal }) {
    const { counts, isMore } = await customerLooks.round(now, signal);
    const slot = Math.floor(now.getTime() / SWEEP_EVERY_MS);
    for (const sweep of counts.left > 0 ? SWEEPS : []) {
      const once = { uniqueKey: sweep.name, jobId: `${sweep.name}_events_${slot}` };
      // Its own schedule does the same a little later, and an operator may have switched it off.
      await enqueue(sweep, {}, once).catch((err: unknown) => log.warn({ err }, 'sweep not queued'));
    }
    if (isMore) await again({ keepFailed: false });
    return counts;
  },
});
