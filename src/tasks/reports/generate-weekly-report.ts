import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { sundayOfWeek } from '../../lib/utc-days.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Reports of a last week and of the one before it; an older one changes nothing any more. */
const MADE_UP_WEEKS = 2;

/** Tells the admins about a week, Monday to Sunday. Running it again for the same week sends nobody anything twice. */
export default defineTask({
  name: 'generate_weekly_report',
  summary: {
    en: "Sends the admins a week's report with trends, charts and recommendations",
    ru: 'Присылает админам отчёт за неделю с динамикой, графиками и советами',
  },
  payload: z.object({
    date: z.iso.date().nullish().describe('Any day of the week as YYYY-MM-DD; the last whole week when absent'),
  }),
  args: ['date'],
  schedule: { cron: '0 7 * * 1' },
  madeUpDays: MADE_UP_WEEKS,
  retry: { delaysMs: [minutes(10), minutes(10)], exhausted: 'alert' },
  longRunning: true,
  counts: {
    queued: 'Admins whose text was queued',
    pictures: 'Admins who got the picture',
    refused: 'Admins whom Telegram refused it for',
  },
  needs: ['calendar', 'events', 'reportDelivery', 'reports'],

  async run({ date }, { calendar, events, now, reportDelivery, reports, scheduledFor, signal }) {
    const sunday = date ? sundayOfWeek(date) : calendar.lastSundayBefore(scheduledFor);
    const counts = await reportDelivery.send(await reports.weekly(sunday, now), signal);
    if (counts.queued > 0)
      await events.publish('report.weekly.sent', { week_until: sunday, admins: counts.queued, timestamp: now });
    return { ...counts, week_until: sunday };
  },
});
