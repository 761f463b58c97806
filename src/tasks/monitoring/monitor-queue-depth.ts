import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Counts the waiting work and stores the counts for the metrics, the console and `check_anomalies`. */
export default defineTask({
  name: 'monitor_queue_depth',
  summary: {
    en: 'Counts what waits in the queues, in notification_queue and in the TaskIQ stream',
    ru: 'Считает, что ждёт в очередях, в notification_queue и в потоке TaskIQ',
  },
  payload: z.object({}),
  schedule: { everyMs: seconds(60) },
  retry: { delaysMs: [], exhausted: 'next-run' },
  timeLimitMs: seconds(30),
  counts: {},
  needs: ['depths', 'notifications', 'queueSnapshots'],

  async run(_, { depths, log, notifications, now, queueSnapshots }) {
    const unknown = (what: string) => (err: unknown) => log.warn({ err }, `${what} cannot be counted`);
    const [queues, deadMessages, rows, intake] = await Promise.all([
      depths.queues(),
      depths.deadMessages(),
      notifications.countWaiting(now).catch(unknown('notification_queue')),
      depths.intake().catch(unknown('the TaskIQ stream')),
    ]);
    const known = { ...(rows && { notifications: rows }), ...(intake && { intake }) };
    await queueSnapshots.save({ at: now, queues, deadMessages, ...known });
    const sum = (state: 'waiting' | 'active' | 'delayed' | 'failed'): number =>
      Object.values(queues).reduce((all, depth) => all + depth[state], 0);
    return {
      waiting: sum('waiting'),
      active: sum('active'),
      delayed: sum('delayed'),
      failed: sum('failed'),
      notifications_pending: rows?.pending ?? null,
      stream_unread: intake?.unread ?? null,
      stream_pending: intake?.pending ?? null,
    };
  },
});
