import { z } from 'zod';
import type { PanelHttp } from './http.ts';
import type { PanelSystem } from './panel.ts';
import { bytes, date, inbound, maybe, present, prettyBytes } from './schemas.ts';
import type { BandwidthPeriod, PanelHost, PanelNode, UserCounts } from './types.ts';

const node = z
  .object({
    uuid: z.string(),
    name: z.string(),
    address: z.string(),
    port: maybe(z.number()),
    countryCode: z.string(),
    isConnected: z.boolean(),
    isConnecting: z.boolean(),
    isDisabled: z.boolean(),
    lastStatusChange: maybe(date),
    lastStatusMessage: maybe(z.string()),
    trafficUsedBytes: maybe(bytes),
    trafficLimitBytes: maybe(bytes),
    trafficResetDay: maybe(z.number()),
    usersOnline: maybe(z.number()),
    configProfile: z.object({ activeConfigProfileUuid: maybe(z.string()), activeInbounds: z.array(inbound) }),
  })
  .transform(({ configProfile: { activeConfigProfileUuid, activeInbounds }, ...rest }) => {
    return present({ ...rest, activeConfigProfileUuid, inbounds: activeInbounds }) as PanelNode;
  });

const traffic = z.array(z.object({ tag: z.string(), upload: prettyBytes, download: prettyBytes }));

const nodeMetrics = z.object({
  nodes: z.array(
    z
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
  ),
});

const bandwidth = z
  .object({
    categories: z.array(z.string()),
    series: z.array(
      z.object({ uuid: z.string(), name: z.string(), countryCode: z.string(), total: bytes, data: z.array(bytes) }),
    ),
  })
  .transform(({ categories, series }) => ({
    days: categories,
    nodes: series.map(({ total, data, ...rest }) => ({ ...rest, totalBytes: total, bytes: data })),
  }));

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

const health = z.object({
  runtimeMetrics: z.array(
    z
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
  ),
});

const host = z
  .object({
    uuid: z.string(),
    remark: z.string(),
    address: z.string(),
    port: z.number(),
    isDisabled: z.boolean(),
    inbound: z.object({ configProfileUuid: maybe(z.string()), configProfileInboundUuid: maybe(z.string()) }),
    nodes: z.array(z.string()),
  })
  .transform(({ inbound: { configProfileUuid, configProfileInboundUuid }, nodes, ...rest }) => {
    return present({
      ...rest,
      configProfileUuid,
      inboundUuid: configProfileInboundUuid,
      nodeUuids: nodes,
    }) as PanelHost;
  });

const configProfile = z
  .object({
    uuid: z.string(),
    name: z.string(),
    inbounds: z.array(inbound),
    nodes: z.array(z.object({ uuid: z.string() })),
  })
  .transform(({ nodes, ...rest }) => ({ ...rest, nodeUuids: nodes.map(({ uuid }) => uuid) }));

/** What both generations answer alike. */
export function panelSystem(http: PanelHttp): PanelSystem {
  const get = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal, query?: Record<string, string>) =>
    http.call({ method: 'GET', path, endpoint: path, schema, signal, ...(query && { query }) });

  const readStats: PanelSystem['stats'] = (signal) => get('/api/system/stats', stats, signal);

  return {
    stats: readStats,
    countUsers: async (signal) => (await readStats(signal)).users,
    nodes: (signal) => get('/api/nodes', z.array(node), signal),
    nodeMetrics: async (signal) => (await get('/api/system/nodes/metrics', nodeMetrics, signal)).nodes,
    bandwidth: (start, end, signal) => get('/api/bandwidth-stats/nodes', bandwidth, signal, { start, end }),
    statsBandwidth: (signal) => get('/api/system/stats/bandwidth', statsBandwidth, signal),
    health: async (signal) => ({
      processes: (await get('/api/system/health', health, signal)).runtimeMetrics,
    }),
    hosts: (signal) => get('/api/hosts', z.array(host), signal),
    configProfiles: async (signal) => {
      const answer = await get('/api/config-profiles', z.object({ configProfiles: z.array(configProfile) }), signal);
      return answer.configProfiles;
    },
    inbounds: async (signal) => {
      const answer = await get('/api/config-profiles/inbounds', z.object({ inbounds: z.array(inbound) }), signal);
      return answer.inbounds;
    },
  };
}
