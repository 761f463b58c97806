import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Stores how many users there are in each state, for readers that would otherwise ask the panel. */
export default defineTask({
  name: 'sync_user_stats',
  summary: {
    en: 'Stores how many users there are, by state',
    ru: 'Сохраняет, сколько пользователей в каком состоянии',
  },
  payload: z.object({}),
  schedule: { everyMs: minutes(10) },
  retry: { delaysMs: [minutes(2), minutes(2), minutes(2)], exhausted: 'next-run' },
  timeLimitMs: minutes(1),
  counts: {},
  needs: ['panel', 'panelCache'],

  async run(_, { now, panel, panelCache, signal }) {
    const { online, users } = await panel.stats(signal);
    const summary = {
      total: users.total,
      active: users.byStatus.ACTIVE,
      disabled: users.byStatus.DISABLED,
      expired: users.byStatus.EXPIRED,
      limited: users.byStatus.LIMITED,
      online: online.now,
      updated_at: now.toISOString(),
    };
    await panelCache.saveUserSummary(summary);
    return summary;
  },
});
