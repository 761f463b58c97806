import { z } from 'zod';
import type { ItemKind } from '../../lib/read-each.ts';
import type { PanelHttp } from './http.ts';
import type { PanelSystem } from './panel.ts';
import { bytes, date, inbounds, present, prettyBytes, soft } from './schemas.ts';
import type {
  BandwidthPeriod,
  PanelBandwidth,
  PanelConfigProfile,
  PanelHealth,
  PanelHost,
  PanelInbound,
  PanelNode,
  PanelNodeMetrics,
  UserCounts,
} from './types.ts';

const list = z.array(z.unknown());

/** Anything but a list counts as empty. */
const softList = list.catch([]);

/** Those that can be read; `tellInbounds` says which cannot. */
const readableInbounds = softList.transform((raw) =>
  raw.flatMap((one): PanelInbound[] => {
    const parsed = inbounds.schema.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  }),
);

const profileOfNode = z
  .object({ activeConfigProfileUuid: soft(z.string()), activeInbounds: readableInbounds })
  .catch({ activeConfigProfileUuid: undefined, activeInbounds: [] });

/** The fields that name a node and say whether it serves must be right. Any other odd field counts as absent. */
const nodes: ItemKind<PanelNode> = {
  source: 'panel_nodes',
  names: ['uuid', 'name'],
  schema: z
    .object({
      uuid: z.string().min(1),
      name: z.string(),
      address: soft(z.string()),
      port: soft(z.number()),
      countryCode: z.string().catch('XX'),
      isConnected: z.boolean(),
      isConnecting: z.boolean(),
      isDisabled: z.boolean(),
      lastStatusChange: soft(date),
      lastStatusMessage: soft(z.string()),
      trafficUsedBytes: soft(bytes),
      nodeConsumptionMultiplier: z.number().nonnegative().nullish().catch(Number.NaN),
      trafficLimitBytes: soft(bytes),
      trafficResetDay: soft(z.number()),
      usersOnline: soft(z.number()),
      configProfile: profileOfNode,
    })
    .transform(({ configProfile, nodeConsumptionMultiplier, trafficUsedBytes: weighted, ...rest }) => {
      const { activeConfigProfileUuid, activeInbounds } = configProfile;
      const weight = nodeConsumptionMultiplier ?? 1;
      const trafficUsedBytes = weighted !== undefined && weight > 0 ? Math.round(weighted / weight) : undefined;
      const trafficWeight = Number.isNaN(weight) ? undefined : weight;
      return present({
        ...{ ...rest, trafficUsedBytes, trafficWeight },
        ...{ activeConfigProfileUuid, inbounds: activeInbounds },
      }) as PanelNode;
    }),
};

const traffic = z.array(z.object({ tag: z.string(), upload: prettyBytes, download: prettyBytes }));

const nodeMetrics: ItemKind<PanelNodeMetrics> = {
  source: 'panel_node_metrics',
  names: ['nodeUuid', 'nodeName'],
  schema: z
    .object({ nodeUuid: z.string(), nodeName: z.string(), usersOnline: z.number(), inboundsStats: traffic })
    .transform(({ inboundsStats, ...rest }) => ({
      ...rest,
      uploadBytes: inboundsStats.reduce((sum, { upload }) => sum + upload, 0),
      downloadBytes: inboundsStats.reduce((sum, { download }) => sum + download, 0),
      inbounds: inboundsStats.map(({ tag, upload, download }) => ({
        tag,
        uploadBytes: upload,
        downloadBytes: download,
      })),
    })),
};

const bandwidth: ItemKind<PanelBandwidth['nodes'][number]> = {
  source: 'panel_bandwidth',
  names: ['uuid', 'name'],
  schema: z
    .object({ uuid: z.string(), name: z.string(), countryCode: z.string(), total: bytes, data: z.array(bytes) })
    .transform(({ total, data, ...rest }) => ({ ...rest, totalBytes: total, bytes: data })),
};

const bandwidthAnswer = z.object({ categories: z.array(z.string()), series: list });

/** All that the brake asks: what is odd with the rest is nothing to it. */
const userTotal = z.object({ users: z.object({ totalUsers: z.number() }) });

const count = z.number().default(0);

const stats = z
  .object({
    uptime: z.number(),
    users: z.object({
      // A status nobody has may be missing.
      statusCounts: z.object({ ACTIVE: count, DISABLED: count, LIMITED: count, EXPIRED: count }),
      totalUsers: z.number(),
    }),
    onlineStats: z.object({
      onlineNow: z.number(),
      lastDay: z.number(),
      lastWeek: z.number(),
      neverOnline: z.number(),
    }),
    nodes: z.object({ totalBytesLifetime: bytes }),
  })
  .transform(({ uptime, users, onlineStats, nodes }) => ({
    users: { total: users.totalUsers, byStatus: users.statusCounts } satisfies UserCounts,
    online: {
      now: onlineStats.onlineNow,
      lastDay: onlineStats.lastDay,
      lastWeek: onlineStats.lastWeek,
      never: onlineStats.neverOnline,
    },
    totalBytesLifetime: nodes.totalBytesLifetime,
    uptimeSeconds: uptime,
  }));

const period = z
  .object({ current: prettyBytes, previous: prettyBytes })
  .transform(({ current, previous }): BandwidthPeriod => ({ currentBytes: current, previousBytes: previous }));

const statsBandwidth = z
  .object({
    bandwidthLastTwoDays: period,
    bandwidthLastSevenDays: period,
    bandwidthLast30Days: period,
    bandwidthCalendarMonth: period,
    bandwidthCurrentYear: period,
  })
  .transform((raw) => ({
    lastTwoDays: raw.bandwidthLastTwoDays,
    lastSevenDays: raw.bandwidthLastSevenDays,
    last30Days: raw.bandwidthLast30Days,
    calendarMonth: raw.bandwidthCalendarMonth,
    currentYear: raw.bandwidthCurrentYear,
  }));

const processes: ItemKind<PanelHealth['processes'][number]> = {
  source: 'panel_processes',
  names: ['instanceType', 'pid'],
  schema: z
    .object({
      instanceType: z.string(),
      pid: z.number(),
      rss: z.number(),
      eventLoopP99Ms: z.number(),
      uptime: z.number(),
    })
    .transform(({ instanceType, rss, uptime, ...rest }) => {
      return { type: instanceType, rssBytes: rss, uptimeSeconds: uptime, ...rest };
    }),
};

const hosts: ItemKind<PanelHost> = {
  source: 'panel_hosts',
  names: ['uuid', 'remark'],
  schema: z
    .object({
      uuid: z.string().min(1),
      remark: z.string(),
      address: z.string(),
      port: z.number(),
      isDisabled: z.boolean(),
      inbound: z
        .object({ configProfileUuid: soft(z.string()), configProfileInboundUuid: soft(z.string()) })
        .catch({ configProfileUuid: undefined, configProfileInboundUuid: undefined }),
      nodes: z.array(z.string()),
    })
    .transform(({ inbound: { configProfileUuid, configProfileInboundUuid }, nodes: nodeUuids, ...rest }) => {
      return present({ ...rest, configProfileUuid, inboundUuid: configProfileInboundUuid, nodeUuids }) as PanelHost;
    }),
};

const configProfiles: ItemKind<PanelConfigProfile> = {
  source: 'panel_config_profiles',
  names: ['uuid', 'name'],
  schema: z
    .object({
      uuid: z.string().min(1),
      name: z.string(),
      inbounds: readableInbounds,
      nodes: z.array(z.object({ uuid: z.string() })),
    })
    .transform(({ nodes: serving, ...rest }) => ({ ...rest, nodeUuids: serving.map(({ uuid }) => uuid) })),
};

/** Inbounds as nodes and profiles carry them. Anything but a list counts as empty. */
const carriedByNodes = z.object({ configProfile: z.object({ activeInbounds: softList }) });
const carriedByProfiles = z.object({ inbounds: softList });

/** What both generations answer alike. */
export function panelSystem(http: PanelHttp): PanelSystem {
  const get = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal, query?: Record<string, string>) =>
    http.call({ method: 'GET', path, endpoint: path, schema, signal, ...(query && { query }) });

  /** The list under this name in the answer, or the answer itself. */
  const listed = async (path: string, signal: AbortSignal, name?: string): Promise<unknown[]> => {
    if (name === undefined) return get(path, list, signal);
    return (await get(path, z.object({ [name]: list }), signal))[name]!;
  };

  /** Inbounds that cannot be read are left out of their node or profile, and told by themselves. */
  const tellInbounds = (carried: readonly unknown[]): void => void http.eachOfPart(carried, inbounds);

  return {
    stats: (signal) => get('/api/system/stats', stats, signal),
    countUsers: async (signal) => ({ total: (await get('/api/system/stats', userTotal, signal)).users.totalUsers }),
    nodes: async (signal) => {
      const raw = await listed('/api/nodes', signal);
      tellInbounds(raw.flatMap((one) => carriedByNodes.safeParse(one).data?.configProfile.activeInbounds ?? []));
      return http.each('/api/nodes', raw, nodes);
    },
    nodeMetrics: async (signal) => {
      const path = '/api/system/nodes/metrics';
      return http.each(path, await listed(path, signal, 'nodes'), nodeMetrics);
    },
    bandwidth: async (start, end, signal) => {
      const path = '/api/bandwidth-stats/nodes';
      const { categories, series } = await get(path, bandwidthAnswer, signal, { start, end });
      const { holes, items } = http.each(path, series, bandwidth);
      return { days: categories, nodes: items, holes };
    },
    statsBandwidth: (signal) => get('/api/system/stats/bandwidth', statsBandwidth, signal),
    health: async (signal) => {
      const path = '/api/system/health';
      return { processes: http.each(path, await listed(path, signal, 'runtimeMetrics'), processes).items };
    },
    hosts: async (signal) => http.each('/api/hosts', await listed('/api/hosts', signal), hosts),
    configProfiles: async (signal) => {
      const path = '/api/config-profiles';
      const raw = await listed(path, signal, 'configProfiles');
      tellInbounds(raw.flatMap((one) => carriedByProfiles.safeParse(one).data?.inbounds ?? []));
      return http.each(path, raw, configProfiles);
    },
    inbounds: async (signal) => {
      const path = '/api/config-profiles/inbounds';
      return http.each(path, await listed(path, signal, 'inbounds'), inbounds);
    },
  };
}
