import { z } from 'zod';
import { financialDay } from '../../domain/payments/financial-day.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Computes the figures of one UTC day, yesterday by default. Running it again for a day replaces them by the same figures. */
export default defineTask({
  name: 'aggregate_financial_stats',
  summary: "Adds up a day's payments by currency, plan and provider",
  payload: z.object({ date: z.iso.date().nullish().describe('UTC day as YYYY-MM-DD; yesterday when absent') }),
  args: ['date'],
  schedule: { cron: '30 0 * * *' },
  retry: { delaysMs: [seconds(30), minutes(2), minutes(10)], exhausted: 'alert' },
  counts: {
    completed: 'Payments of the day that are completed',
    failed: 'Payments of the day that failed',
    pending: 'Payments of the day that are still open',
  },
  needs: ['paymentFigures', 'paymentStats'],

  async run({ date }, { enqueuedAt, paymentFigures, paymentStats }) {
    const yesterday = new Date(enqueuedAt.getTime() - days(1));
    const day = date ?? yesterday.toISOString().slice(0, 10);
    const from = new Date(`${day}T00:00:00Z`);
    const figures = financialDay(await paymentStats.createdBetween(from, new Date(from.getTime() + days(1))));
    await paymentFigures.save(day, figures);
    const { failed_count: failed, pending_count: pending, total_count: completed } = figures;
    return { completed, failed, pending, date: day, by_currency: figures.by_currency };
  },
});
