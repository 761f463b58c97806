import { z } from 'zod';
import { nodesSince, SAMPLES_OF_HOUR, samplesFor } from '../../domain/figures/nodes.ts';
import { trafficWithin } from '../../domain/figures/traffic.ts';
import { hours } from '../../lib/duration.ts';
import { hourOf, intervalOfHour } from '../../lib/utc-days.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Nodes that were last seen before this have no remaining samples. */
const SAMPLES_SEEN_FOR_MS = hours(50);
/** A run also adds up the hours of this period that earlier runs missed; their samples still exist. */
const CATCH_UP_HOURS = 24;
/** Raw samples are kept for two days, and a day's last slot makes up for the 24 hours before it. */
const MADE_UP_DAYS = 3;

/** Adds up every node's samples of the past hour. Another run for the same hour gives the same result. */
export default defineTask({
  name: 'aggregate_bandwidth_hourly',
  summary: {
    en: "Adds up each node's traffic of the past hour",
    ru: 'Складывает трафик каждого узла за прошедший час',
  },
  aliases: ['aggregate_hourly_bandwidth'],
  payload: z.object({
    hour: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3])$/)
      .nullish()
      .describe('UTC hour as YYYY-MM-DDTHH; when absent the last one, and hours of the last day that were left out'),
  }),
  args: ['hour'],
  schedule: { cron: '5 * * * *' },
  madeUpDays: MADE_UP_DAYS,
  retry: { delaysMs: [0], exhausted: 'next-run' },
  counts: {
    nodes: 'Nodes looked at',
    hours: 'Hours of nodes worked out',
    incomplete: 'Of these, hours with fewer samples than an hour has',
    dropped: 'Raw samples removed because they are past their time',
  },
  needs: ['bandwidth', 'hourlyBandwidth', 'nodeHealth', 'seenNodes'],

  async run({ hour }, { now, scheduledFor, signal, ...sources }) {
    const { bandwidth, hourlyBandwidth } = sources;
    const wanted = hour ? [hour] : hoursBefore(scheduledFor, CATCH_UP_HOURS);
    const from = Math.min(intervalOfHour(wanted[0]!).from.getTime(), now.getTime() - SAMPLES_SEEN_FOR_MS);
    const nodes = await nodesSince(sources, new Date(from), now);
    const counts = { nodes: nodes.length, hours: 0, incomplete: 0, dropped: 0 };
    for (const { nodeUuid, seenAt } of nodes) {
      signal.throwIfAborted();
      const kept = new Set(hour ? [] : (await hourlyBandwidth.of(nodeUuid, wanted)).map((record) => record.hour));
      const open = wanted.filter((one, i) => !kept.has(one) || i === wanted.length - 1);
      for (const one of open) {
        const interval = intervalOfHour(one);
        if (interval.from > seenAt) continue;
        const traffic = trafficWithin(await samplesFor(bandwidth, nodeUuid, interval), interval);
        await hourlyBandwidth.save({
          node_uuid: nodeUuid,
          hour: one,
          sum: traffic.bytes,
          avg: traffic.rates?.mean ?? null,
          max: traffic.rates?.most ?? null,
          min: traffic.rates?.least ?? null,
          samples: traffic.samples,
          expected: SAMPLES_OF_HOUR,
          covered_seconds: traffic.coveredSeconds,
        });
        counts.hours += 1;
        if (traffic.samples < SAMPLES_OF_HOUR) counts.incomplete += 1;
      }
      counts.dropped += await bandwidth.dropOld(nodeUuid, now);
    }
    return { ...counts, hour: wanted.at(-1)! };
  },
});

/** The last `count` whole hours before a moment, oldest first. */
function hoursBefore(at: Date, count: number): string[] {
  return Array.from({ length: count }, (_, i) => hourOf(new Date(at.getTime() - hours(count - i))));
}
