import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Counts of tasks and rows of `notification_queue` are kept this long. Little remains to compute of an earlier day. */
const MADE_UP_DAYS = 7;

/** Computes the figures of a UTC day. Another run for the same day gives the same result, plus the data that came later. */
export default defineTask({
  name: 'aggregate_daily_stats',
  summary: {
    en: "Works out a day's figures: users, traffic, uptime, revenue, operations, incidents",
    ru: 'Считает показатели дня: пользователи, трафик, доступность, выручка, операции, сбои',
  },
  payload: z.object({
    date: z.iso
      .date()
      .nullish()
      .describe('UTC day as YYYY-MM-DD; when absent yesterday, and days of the last week that were left out'),
  }),
  args: ['date'],
  schedule: { cron: '5 0 * * *' },
  madeUpDays: MADE_UP_DAYS,
  retry: { delaysMs: [0], exhausted: 'next-run' },
  timeLimitMs: minutes(15),
  counts: {
    days: 'Days worked out',
    unknown: 'Parts of them whose source had no answer',
    incidents: 'Outages of nodes that began on them',
  },
  needs: ['dayBook'],

  async run({ date }, { dayBook, now, scheduledFor, signal }) {
    const dates = date ? [date] : await dayBook.due(scheduledFor);
    const figures = await dayBook.refresh(dates, now, signal);
    return {
      days: figures.length,
      unknown: figures.flatMap((day) => Object.values(day)).filter((part) => part === null).length,
      incidents: figures.reduce((sum, { uptime }) => sum + (uptime?.incidents.length ?? 0), 0),
      dates,
    };
  },
});
