import { z } from 'zod';
import { sampleOf } from '../../domain/monitoring/node-bandwidth.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Nodes that one line of the log names. */
const NAMED = 10;

/** Records every node's traffic counter and the traffic since the last sample. An extra run splits a period in two and loses nothing. */
export default defineTask({
  name: 'collect_bandwidth_snapshots',
  summary: {
    en: 'Notes the traffic of every node, every five minutes',
    ru: 'Записывает трафик каждого узла раз в пять минут',
  },
  aliases: ['collect_bandwidth_snapshot'],
  payload: z.object({}),
  schedule: { everyMs: minutes(5) },
  retry: { delaysMs: [seconds(15), seconds(15)], exhausted: 'next-run' },
  timeLimitMs: minutes(1),
  counts: {
    collected: 'Nodes whose traffic was noted',
    untracked: 'Nodes whose traffic the panel does not track',
    unweighed:
      'Nodes whose traffic cannot be known, because the panel counts each byte zero times or an unreadable number of times',
    unknown:
      'Noted counters that say nothing of the time before: first ones, changed weights, and leaps that no line can carry',
  },
  needs: ['bandwidth', 'panel'],

  async run(_, { bandwidth, log, now, panel, signal }) {
    const { items: nodes } = await panel.nodes(signal);
    const unweighed = nodes.filter(({ trafficWeight = 0 }) => trafficWeight === 0);
    if (unweighed.length > 0) {
      const names = unweighed.map(({ name }) => name).slice(0, NAMED);
      log.warn({ nodes: names }, 'traffic of nodes is unknown: their nodeConsumptionMultiplier is 0 or no number');
    }
    const samples = await Promise.all(
      nodes.map(async ({ trafficUsedBytes: totalBytes, trafficWeight: weight, usersOnline, uuid }) => {
        if (totalBytes === undefined) return undefined;
        const sample = sampleOf({ at: now, totalBytes, usersOnline, weight }, await bandwidth.latest(uuid, now));
        await bandwidth.add(uuid, sample);
        return sample;
      }),
    );
    const taken = samples.filter((sample) => sample !== undefined);
    return {
      collected: taken.length,
      untracked: samples.length - taken.length - unweighed.length,
      unweighed: unweighed.length,
      unknown: taken.filter(({ bytes }) => bytes === undefined).length,
    };
  },
});
