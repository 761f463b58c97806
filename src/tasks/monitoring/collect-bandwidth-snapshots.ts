import { z } from 'zod';
import { sampleOf } from '../../domain/monitoring/node-bandwidth.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Records every node's traffic counter and the traffic since the last sample. An extra run splits a period in two and loses nothing. */
export default defineTask({
  name: 'collect_bandwidth_snapshots',
  summary: 'Notes the traffic of every node, every five minutes',
  aliases: ['collect_bandwidth_snapshot'],
  payload: z.object({}),
  schedule: { everyMs: minutes(5) },
  retry: { delaysMs: [seconds(15), seconds(15)], exhausted: 'next-run' },
  timeLimitMs: minutes(1),
  counts: {
    collected: 'Nodes whose traffic was noted',
    untracked: 'Nodes whose traffic the panel does not track',
    unknown: 'Noted counters that say nothing of the time before: first ones, and leaps that no line can carry',
  },
  needs: ['bandwidth', 'panel'],

  async run(_, { bandwidth, now, panel, signal }) {
    const { items: nodes } = await panel.nodes(signal);
    const samples = await Promise.all(
      nodes.map(async ({ trafficUsedBytes: totalBytes, usersOnline, uuid }) => {
        if (totalBytes === undefined) return undefined;
        const sample = sampleOf({ at: now, totalBytes, usersOnline }, await bandwidth.latest(uuid, now));
        await bandwidth.add(uuid, sample);
        return sample;
      }),
    );
    const taken = samples.filter((sample) => sample !== undefined);
    return {
      collected: taken.length,
      untracked: samples.length - taken.length,
      unknown: taken.filter(({ bytes }) => bytes === undefined).length,
    };
  },
});
