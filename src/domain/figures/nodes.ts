import type { Calendar } from '../../lib/calendar.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import type { Interval } from '../../lib/utc-days.ts';
import type { BandwidthFigures, UptimeFigures } from '../../messages/figures.ts';
import type { HourlyBandwidths } from '../../repositories/redis/figures/hourly-bandwidths.ts';
import type { SeenNode, SeenNodes } from '../../repositories/redis/figures/seen-nodes.ts';
import type { BandwidthSample, BandwidthSamples } from '../../repositories/redis/monitoring/bandwidth-samples.ts';
import type { NodeChange, NodeHealthStore, NodeStatus } from '../../repositories/redis/monitoring/node-health-store.ts';
import { trafficWithin } from './traffic.ts';
import { outagesIn, percentOf, stretchesOf, uptimeOf } from './uptime.ts';

export type NodeSources = {
  calendar: Calendar;
  nodeHealth: NodeHealthStore;
  bandwidth: BandwidthSamples;
  hourlyBandwidth: HourlyBandwidths;
  seenNodes: SeenNodes;
};

/** A node with all that is known of its states. */
export type NodeHistory = SeenNode & {
  changes: readonly NodeChange[];
  current: { status: NodeStatus; since: Date } | undefined;
};

/** Raw samples are kept for 48 h; a day that began longer ago is added up from its hours. */
const RAW_FOR_MS = hours(47);
/** The first sample after the interval may reach into it from far away, when none was taken for long. */
const LATE_SAMPLE_MS = hours(12);
/** As long as history is kept. */
const HISTORY_MS = days(7);
const NODES_LISTED = 200;

/** Every node that was there at some time since `from`, gone ones included. */
export async function nodesSince(
  sources: Omit<NodeSources, 'calendar'>,
  from: Date,
  now: Date,
): Promise<NodeHistory[]> {
  const { nodeHealth, seenNodes } = sources;
  const records = (await nodeHealth.all()).nodes.map(({ record }) => record);
  await seenNodes.note(records.map((record) => ({ ...record, seenAt: record.checkedAt })));
  const current = new Map(records.map((record) => [record.nodeUuid, record]));
  const seen = await seenNodes.since(from, now);
  return Promise.all(
    seen.map(async (node) => ({
      ...node,
      changes: await nodeHealth.history(node.nodeUuid, new Date(now.getTime() - HISTORY_MS), now),
      current: current.get(node.nodeUuid),
    })),
  );
}

/** Uptime and incidents of a day; null where no node is known. */
export function uptimeFigures(nodes: readonly NodeHistory[], day: Interval): UptimeFigures | null {
  if (nodes.length === 0) return null;
  const before = { from: new Date(day.from.getTime() - HISTORY_MS), to: day.to };
  const counted = nodes.map((node) => {
    const last = node.current ?? lastState(node.changes);
    const stretches = stretchesOf(node.changes, last && { ...last, seenAt: node.seenAt }, before);
    return { node, uptime: uptimeOf(stretches, day), outages: outagesIn(stretches, day) };
  });
  const sum = (part: 'onlineSeconds' | 'downSeconds'): number =>
    counted.reduce((all, { uptime }) => all + uptime[part], 0);
  return {
    percent: percentOf(sum('onlineSeconds'), sum('downSeconds')),
    nodes: counted.map(({ node, outages, uptime }) => ({
      node_uuid: node.nodeUuid,
      name: node.name,
      country: node.country,
      percent: uptime.percent,
      online_seconds: Math.round(uptime.onlineSeconds),
      down_seconds: Math.round(uptime.downSeconds),
      unknown_seconds: Math.round(uptime.unknownSeconds),
      incidents: outages.length,
    })),
    incidents: counted
      .flatMap(({ node, outages }) =>
        outages.map(({ beganAt, endedAt }) => ({
          node_uuid: node.nodeUuid,
          name: node.name,
          began_at: beganAt.toISOString(),
          ended_at: endedAt?.toISOString() ?? null,
        })),
      )
      .sort((a, b) => (a.began_at < b.began_at ? -1 : 1)),
  };
}

const lastState = (changes: readonly NodeChange[]): { status: NodeStatus; since: Date } | undefined => {
  const last = changes.at(-1);
  return last && { status: last.status, since: last.at };
};

/** Traffic of all nodes on a day; null where nothing covers any of it. */
export async function bandwidthFigures(
  sources: NodeSources,
  nodes: readonly SeenNode[],
  day: { date: string } & Interval,
  now: Date,
): Promise<BandwidthFigures | null> {
  const counted = await Promise.all(
    nodes.map(async ({ name, nodeUuid }) => {
      const { bytes, coveredSeconds } = await trafficOfDay(sources, nodeUuid, day, now);
      return { node_uuid: nodeUuid, name, bytes, covered: coveredSeconds };
    }),
  );
  const known = counted.flatMap(({ bytes, ...node }) => (bytes === null ? [] : [{ ...node, bytes }]));
  if (known.length === 0) return null;
  const secondsOfDay = (day.to.getTime() - day.from.getTime()) / 1000;
  const share = (seconds: number, of: number): number => Math.min(1, Math.round((seconds / of) * 1000) / 1000);
  return {
    bytes: known.reduce((sum, { bytes }) => sum + bytes, 0),
    coverage: share(
      counted.reduce((sum, { covered }) => sum + covered, 0),
      counted.length * secondsOfDay,
    ),
    nodes: known
      .map(({ covered, ...node }) => ({ ...node, coverage: share(covered, secondsOfDay) }))
      .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
      .slice(0, NODES_LISTED),
  };
}

async function trafficOfDay(
  { bandwidth, calendar, hourlyBandwidth }: NodeSources,
  nodeUuid: string,
  day: { date: string } & Interval,
  now: Date,
): Promise<{ bytes: number | null; coveredSeconds: number }> {
  if (now.getTime() - day.from.getTime() <= RAW_FOR_MS)
    return trafficWithin(await samplesFor(bandwidth, nodeUuid, day), day);
  const found = (await hourlyBandwidth.of(nodeUuid, calendar.hoursOf(day.date))).filter(({ sum }) => sum !== null);
  if (found.length === 0) return { bytes: null, coveredSeconds: 0 };
  return {
    bytes: found.reduce((sum, hour) => sum + hour.sum!, 0),
    coveredSeconds: found.reduce((sum, hour) => sum + hour.covered_seconds, 0),
  };
}

/** The samples that say something of an interval: those within it, and the first one after it, which reaches back. */
export async function samplesFor(
  bandwidth: BandwidthSamples,
  nodeUuid: string,
  { from, to }: Interval,
): Promise<BandwidthSample[]> {
  const samples = await bandwidth.between(nodeUuid, from, new Date(to.getTime() + LATE_SAMPLE_MS));
  const inside = samples.filter(({ at }) => at < to);
  const after = samples.find(({ at }) => at >= to);
  return after ? [...inside, after] : inside;
}

/** `collect_bandwidth_snapshots` takes a sample every five minutes. */
export const SAMPLES_OF_HOUR = hours(1) / minutes(5);
