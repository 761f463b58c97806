import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Looks for what is out of order. Each anomaly is told once when it begins and once when it ends, by any worker. */
export default defineTask({
  name: 'check_anomalies',
  summary: {
    en: 'Looks for anomalies: nodes, task errors, queues, payments, memory, schedules',
    ru: 'Ищет отклонения: узлы, ошибки задач, очереди, платежи, память, расписания',
  },
  payload: z.object({}),
  schedule: { everyMs: minutes(5) },
  retry: { delaysMs: [], exhausted: 'next-run' },
  timeLimitMs: minutes(1),
  counts: {
    rules: 'Rules looked at',
    unknown: 'Rules whose source had no answer',
    began: 'Alerts that began',
    ended: 'Alerts that ended',
  },
  needs: ['anomalies'],

  run: (_, { anomalies, now }) => anomalies.check(now),
});
