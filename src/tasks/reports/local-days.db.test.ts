import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { hours } from '../../lib/duration.ts';
import { testApp } from '../../testing/test-app.ts';

/** An hour before and after three days of Berlin. */
const CHANGES = [
  { days: ['2026-03-28', '2026-03-29', '2026-03-30'], from: '2026-03-27T22:00:00Z', hours: [24, 23, 24] },
  { days: ['2026-10-24', '2026-10-25', '2026-10-26'], from: '2026-10-23T21:00:00Z', hours: [24, 25, 24] },
] as const;

test('days of 23 and 25 hours add up: of a payment each hour every one is of one day, and none is missed', async () => {
  await using world = await testApp({ TIME_ZONE: 'Europe/Berlin', REPORT_DAY: 'local' });
  for (const { days, from, hours: counts } of CHANGES) {
    const all = counts.reduce<number>((sum, count) => sum + count, 0);
    for (let hour = 0; hour < all + 2; hour += 1) {
      const at = new Date(Date.parse(from) + hours(hour));
      await world.database.pool.query(
        `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, created_at)
         values ($1, $1, 1, 'USD', 'completed', 'cryptobot', 30, $2)`,
        [randomUUID(), at],
      );
    }
    for (const [i, date] of days.entries())
      expect(await world.run('aggregate_financial_stats', { date })).toMatchObject({ completed: counts[i], date });
    // Half an hour into the day after by UTC, which is the day after in Berlin too.
    const now = new Date(`${days[2]}T00:30:00Z`);
    expect(await world.run('aggregate_financial_stats', {}, { now })).toMatchObject({ date: days[1] });
  }
});
