import { z } from 'zod';
import { minutes, seconds } from '../../lib/duration.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** An older sample says nothing about the present. One missed sample is allowed. */
const FRESH_MS = minutes(12);
const EVENTS_SHOWN = 5;

/** Publishes the present figures for the dashboard. A figure whose source does not answer is null, not zero. */
export default defineTask({
  name: 'update_realtime_metrics',
  summary: {
    en: 'Refreshes the dashboard: users online, bandwidth, nodes by state, last events',
    ru: 'Обновляет данные панели мониторинга: кто в сети, трафик, состояние узлов, последние события',
  },
  payload: z.object({}),
  schedule: { everyMs: seconds(30) },
  retry: { delaysMs: [], exhausted: 'next-run' },
  timeLimitMs: seconds(25),
  counts: {},
  needs: ['bandwidth', 'events', 'nodeHealth', 'panel', 'realtime'],

  async run(_, { bandwidth, events, log, nodeHealth, now, panel, realtime, signal }) {
    const unknown = (what: string) => (err: unknown) => {
      log.warn({ err }, `${what} not known`);
      return null;
    };
    const nodes = (await nodeHealth.all()).nodes.map(({ record }) => record);
    const states = { online: 0, offline: 0, warning: 0, maintenance: 0 };
    for (const { status } of nodes) states[status] += 1;
    const [usersOnline, latest, samples] = await Promise.all([
      panel.stats(signal).then(({ online }) => online.now, unknown('users online')),
      events.latest(EVENTS_SHOWN).catch(unknown('last events')),
      Promise.all(nodes.map(({ nodeUuid }) => bandwidth.latest(nodeUuid, new Date(now.getTime() + seconds(1))))),
    ]);
    const rates = samples.flatMap((sample) => {
      if (sample?.bytes === undefined || !sample.seconds || now.getTime() - sample.at.getTime() > FRESH_MS) return [];
      return [sample.bytes / sample.seconds];
    });
    const bytesPerSecond = rates.length > 0 ? Math.round(rates.reduce((sum, rate) => sum + rate, 0)) : null;
    const record = {
      users_online: usersOnline,
      bandwidth_bytes_per_second: bytesPerSecond,
      bandwidth_nodes: rates.length,
      nodes: nodes.length > 0 ? { total: nodes.length, ...states } : null,
      // The states are as old as the last check of the nodes. This time shows when the checks have stopped.
      nodes_checked_at: nodes.map(({ checkedAt }) => checkedAt).reduce<Date | null>(later, null),
      events: latest?.map(({ at, data, type }) => ({ type, data, at })) ?? null,
      updated_at: now,
    };
    await realtime.save(record);
    await events.publish('dashboard.realtime', record);
    return { users_online: usersOnline, bandwidth_bytes_per_second: bytesPerSecond, nodes: nodes.length };
  },
});

const later = (a: Date | null, b: Date): Date => (a === null || b > a ? b : a);
