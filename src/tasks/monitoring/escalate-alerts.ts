import { z } from 'zod';
import type { LadderCounts } from '../../domain/alerts/alert-ladder.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Takes alerts further that nobody has acknowledged, or that Telegram does not deliver, and tells again what is on after its mute. */
export default defineTask({
  name: 'escalate_alerts',
  summary: {
    en: 'Tells critical alerts that nobody has acknowledged to the next on call, then by e-mail and webhook',
    ru: 'Передаёт критические оповещения, которые никто не принял, следующему дежурному, затем по почте и через вебхук',
  },
  payload: z.object({}),
  schedule: { everyMs: seconds(30) },
  retry: { delaysMs: [], exhausted: 'next-run' },
  timeLimitMs: minutes(1),
  counts: {
    looked: 'Alerts looked at that are not muted',
    told: 'Alerts told to somebody more, or again',
    second_way: 'Alerts told by e-mail or webhook',
    put_off: 'Alerts that e-mail or webhook did not take yet',
  } satisfies Record<keyof LadderCounts, string>,
  needs: ['alertLadder'],

  async run(_, { alertLadder, now, signal }) {
    return await alertLadder.climb(now, signal);
  },
});
