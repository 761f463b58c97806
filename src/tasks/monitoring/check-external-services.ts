import { z } from 'zod';
import type { ServiceCounts } from '../../domain/monitoring/service-watch.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Checks every outside service. Tells the admins once after three failures in a row, and once of the recovery. */
export default defineTask({
  name: 'check_external_services',
  summary: {
    en: 'Looks whether the panel, PostgreSQL, Redis, Telegram and CryptoBot answer',
    ru: 'Проверяет, отвечают ли панель, PostgreSQL, Redis, Telegram и CryptoBot',
  },
  payload: z.object({}),
  schedule: { everyMs: seconds(60) },
  retry: { delaysMs: [], exhausted: 'next-run' },
  timeLimitMs: minutes(2),
  counts: {
    checked: 'Services looked at',
    up: 'Services that answered',
    failed: 'Services that did not answer',
    began: 'Alerts that began',
    ended: 'Alerts that ended',
  } satisfies Record<keyof ServiceCounts, string>,
  needs: ['panelVersionWatch', 'serviceWatch'],

  async run(_, { log, now, panelVersionWatch, serviceWatch, signal }) {
    const counts = await serviceWatch.check(now, signal);
    await panelVersionWatch.check(now, signal).catch((err: unknown) => {
      signal.throwIfAborted();
      log.debug({ err }, 'the version of the panel is not known now');
    });
    return counts;
  },
});
