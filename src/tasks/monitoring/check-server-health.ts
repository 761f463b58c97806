import { z } from 'zod';
import type { NodeCounts } from '../../domain/monitoring/node-watch.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Requests for a second check within this time of each other become one job. */
const SAME_LOOK_MS = seconds(5);

/**
 * Checks every node and tells the admins about those that go down, come back or flap. While the panel is away, no node changes its state;
 * `check_external_services` reports the panel itself.
 */
export default defineTask({
  name: 'check_server_health',
  summary: { en: 'Looks at every VPN node and alerts on outages', ru: 'Проверяет каждый узел VPN и сообщает о сбоях' },
  payload: z.object({
    look: z
      .enum(['scheduled', 'again', 'event'])
      .default('scheduled')
      .describe('`again`: a second look that a first one asked for; `event`: an event of the panel asked for it'),
  }),
  schedule: { everySetting: 'HEALTH_CHECK_INTERVAL_SECONDS' },
  retry: { delaysMs: [seconds(15), seconds(15)], exhausted: 'next-run' },
  timeLimitMs: minutes(1),
  counts: {
    checked: 'Nodes looked at',
    unreadable: 'Nodes left out because they cannot be read: their state is not known',
    online: 'Nodes found online',
    offline: 'Nodes found offline',
    warning: 'Nodes found connecting',
    maintenance: 'Nodes switched off by an admin or in a maintenance window',
    changed: 'Nodes whose status changed',
    began: 'Alerts that began',
    ended: 'Alerts that ended',
    forgotten: 'Nodes that are gone from the panel',
  } satisfies Record<keyof NodeCounts, string>,
  needs: ['nodeWatch', 'panel'],

  async run(_, { again, nodeWatch, now, panel, signal }) {
    const listing = await panel.nodes(signal);
    const { counts, lookAgainMs } = await nodeWatch.observe(listing, now);
    if (lookAgainMs !== undefined) {
      const slot = Math.round((now.getTime() + lookAgainMs) / SAME_LOOK_MS);
      await again({ payload: { look: 'again' }, delayMs: lookAgainMs, slot, keepFailed: false });
    }
    return { ...counts, look_again_seconds: lookAgainMs === undefined ? null : Math.round(lookAgainMs / 1000) };
  },
});
