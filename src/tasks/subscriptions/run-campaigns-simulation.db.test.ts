import { expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { type SimulationScale, simulateCampaigns } from '../../testing/simulation/simulate-campaigns.ts';

/** `npm run simulate` asks for 10000x90 customers and days; its result stands in docs/campaigns.md. */
const asked = /^(?<customers>\d+)x(?<days>\d+)$/.exec(process.env.SIMULATE ?? '')?.groups;
const SCALE: SimulationScale = asked
  ? { customers: Number(asked.customers), days: Number(asked.days), everyHours: 24, seed: 1 }
  : { customers: 300, days: 30, everyHours: 24, seed: 1 };

test(
  'customers live beside all campaigns: each step once, the cap kept, nothing after a renewal, holdouts untouched, earnings true',
  async () => {
    const { byCampaign, counts, mostInWeek, violations } = await simulateCampaigns(SCALE, (day) => {
      if (asked) process.stderr.write(`day ${day} of ${SCALE.days}\n`);
    });
    if (asked) process.stderr.write(`${JSON.stringify({ scale: SCALE, counts, byCampaign, mostInWeek })}\n`);
    expect(violations).toEqual({ twice: [], overCap: [], afterRenewal: [], heldOut: [], earnings: [] });
    expect(Object.keys(byCampaign)).toHaveLength(5);
    for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(0);
    expect(mostInWeek).toBe(3);
  },
  asked ? minutes(240) : minutes(2),
);
