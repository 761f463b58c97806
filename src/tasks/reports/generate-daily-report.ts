import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** As far back as rows of `notification_queue` are kept: of an earlier day the report would know little. */
const MADE_UP_DAYS = 7;

/** Tells the admins about a day. Running it again for the same day sends nobody anything twice. */
export default defineTask({
  name: 'generate_daily_report',
  summary: { en: "Sends the admins a day's report with charts", ru: 'Присылает админам отчёт за день с графиками' },
  aliases: ['send_daily_report'],
  payload: z.object({
    date: z.iso.date().nullish().describe('Day as YYYY-MM-DD, of UTC or of REPORT_DAY; yesterday when absent'),
  }),
  args: ['date'],
  schedule: { cron: '0 6 * * *' },
  madeUpDays: MADE_UP_DAYS,
  retry: { delaysMs: [minutes(10), minutes(10)], exhausted: 'alert' },
  timeLimitMs: minutes(15),
  longRunning: true,
  counts: {
    queued: 'Admins whose text was queued',
    pictures: 'Admins who got the picture',
    refused: 'Admins whom Telegram refused it for',
  },
  needs: ['calendar', 'events', 'reportDelivery', 'reports'],

  async run({ date }, { calendar, events, now, reportDelivery, reports, scheduledFor, signal }) {
    const day = date ?? calendar.dayBefore(scheduledFor);
    const counts = await reportDelivery.send(await reports.daily(day, now, signal), signal);
    if (counts.queued > 0)
      await events.publish('report.daily.sent', { date: day, admins: counts.queued, timestamp: now });
    return { ...counts, date: day };
  },
});
