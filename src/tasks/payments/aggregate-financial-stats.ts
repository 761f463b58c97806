import { z } from 'zod';
import { financialDay } from '../../domain/payments/financial-day.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** The figures of a day are kept this long. The table has the payments of every day. */
const MADE_UP_DAYS = 90;

/** Computes the figures of one day, yesterday by default. Running it again for a day replaces them by the same figures. */
export default defineTask({
  name: 'aggregate_financial_stats',
  summary: {
    en: "Adds up a day's payments by currency, plan and provider",
    ru: 'Подводит итог платежей за день по валютам, тарифам и провайдерам',
  },
  payload: z.object({
    date: z.iso.date().nullish().describe('Day as YYYY-MM-DD, of UTC or of REPORT_DAY; yesterday when absent'),
  }),
  args: ['date'],
  schedule: { cron: '30 0 * * *' },
  madeUpDays: MADE_UP_DAYS,
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert' },
  counts: {
    completed: 'Payments of the day that are completed',
    failed: 'Payments of the day that failed',
    pending: 'Payments of the day that are still open',
  },
  needs: ['calendar', 'paymentFigures', 'paymentStats'],

  async run({ date }, { calendar, paymentFigures, paymentStats, scheduledFor }) {
    const day = date ?? calendar.dayBefore(scheduledFor);
    const { from, to } = calendar.interval(day);
    const figures = financialDay(await paymentStats.createdBetween(from, to));
    await paymentFigures.save(day, figures);
    const { failed_count: failed, pending_count: pending, total_count: completed } = figures;
    return {
      completed,
      failed,
      pending,
      date: day,
      by_currency: figures.by_currency,
      by_purchase: figures.by_purchase,
    };
  },
});
