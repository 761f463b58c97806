import { DomainError, type SandboxNode } from './model.ts';
import type { Call, Reply, Route } from './routes.ts';
import type { PanelState } from './state.ts';
import { flownOf, hostToWire, inboundToWire, nodeToWire, PROFILE_UUID, pretty, SECRET_MARK } from './wire.ts';

const DAY_MS = 86_400_000;

const ok = (response: unknown): Reply => ({ status: 200, response });

export const systemRoutes: readonly Route[] = [
  {
    name: 'nodes',
    method: 'GET',
    path: '/api/nodes',
    run: ({ state }) => ok([...state.nodes.values()].map(wire(state))),
  },
  nodeAction('enableNode', 'enable', (state, node) => state.switchNode(node, true)),
  nodeAction('disableNode', 'disable', (state, node) => state.switchNode(node, false)),
  { name: 'bandwidth', method: 'GET', path: '/api/bandwidth-stats/nodes', run: bandwidth },
  { name: 'metadata', method: 'GET', path: '/api/system/metadata', run: ({ state }) => ok(metadata(state.version)) },
  { name: 'health', method: 'GET', path: '/api/system/health', run: ({ state }) => ok(health(state)) },
  { name: 'stats', method: 'GET', path: '/api/system/stats', run: ({ state }) => ok(stats(state)) },
  { name: 'statsBandwidth', method: 'GET', path: '/api/system/stats/bandwidth', run: statsBandwidth },
  { name: 'nodesMetrics', method: 'GET', path: '/api/system/nodes/metrics', run: nodesMetrics },
  {
    name: 'hosts',
    method: 'GET',
    path: '/api/hosts',
    run: ({ state }) => ok([...state.nodes.values()].map((node) => hostToWire(node, state.generation))),
  },
  { name: 'configProfiles', method: 'GET', path: '/api/config-profiles', run: configProfiles },
  {
    name: 'inbounds',
    method: 'GET',
    path: '/api/config-profiles/inbounds',
    run: () => ok({ total: 1, inbounds: [{ ...inboundToWire(), activeSquads: [] }] }),
  },
];

const wire = (state: PanelState) => (node: SandboxNode) => nodeToWire(node, state.generation, state.clock.now());

function nodeAction(name: Route['name'], path: string, act: (state: PanelState, node: SandboxNode) => void): Route {
  const run = ({ state, params }: Call): Reply => {
    const node = state.nodes.get(params.uuid!);
    if (!node) throw new DomainError('A011');
    act(state, node);
    return ok(wire(state)(node));
  };
  return { name, method: 'POST', path: `/api/nodes/:uuid/actions/${path}`, run };
}

/** Each day's bytes at the node's rate of now, today's up to now, and what `flow` has added. Never weighted; a node without any is not in it. */
function bandwidth({ state, query }: Call): Reply {
  const now = state.clock.now();
  const categories: string[] = [];
  const last = Date.parse(String(query.end));
  for (let day = Date.parse(String(query.start)); day <= last; day += DAY_MS) {
    categories.push(new Date(day).toISOString().slice(0, 10));
  }
  const all = [...state.nodes.values()].map((node) => {
    const data = categories.map((day) => {
      const elapsedMs = Math.max(0, Math.min(DAY_MS, now - Date.parse(day)));
      return Math.round((elapsedMs / 1000) * node.trafficBytesPerSecond) + (node.flownOn[day] ?? 0);
    });
    const total = data.reduce((sum, bytes) => sum + bytes, 0);
    return { uuid: node.uuid, name: node.name, color: '#000000', countryCode: node.countryCode, total, data };
  });
  const series = all.filter(({ total }) => total > 0).sort((a, b) => b.total - a.total);
  const sparklineData = categories.map((_, i) => series.reduce((sum, { data }) => sum + data[i]!, 0));
  const topNodes = series.map(({ data: _, ...node }) => node).slice(0, Number(query.topNodesLimit ?? 20));
  return ok({ categories, sparklineData, topNodes, series });
}

function metadata(version: string): object {
  const commit = { commitSha: '0'.repeat(40), commitUrl: 'https://example.test/commit' };
  return {
    version,
    build: { time: '2026-01-01T00:00:00.000Z', number: '1' },
    git: { backend: { ...commit, branch: 'main' }, frontend: commit },
  };
}

function health(state: PanelState): object {
  const runtime = {
    rss: 200_000_000,
    heapUsed: 90_000_000,
    heapTotal: 120_000_000,
    external: 1_000_000,
    arrayBuffers: 100_000,
    eventLoopDelayMs: 1,
    eventLoopP99Ms: 5,
    activeHandles: 10,
    uptime: 3600,
    timestamp: state.clock.now(),
  };
  const types = ['api', 'scheduler', 'processor'];
  return {
    runtimeMetrics: types.map((instanceType, i) => ({ ...runtime, pid: 100 + i, instanceId: '0', instanceType })),
  };
}

function stats(state: PanelState): object {
  const now = state.clock.now();
  const statusCounts = { ACTIVE: 0, DISABLED: 0, LIMITED: 0, EXPIRED: 0 };
  const online = { onlineNow: 0, lastDay: 0, lastWeek: 0, neverOnline: 0 };
  for (const { status, onlineAt } of state.users.all()) {
    statusCounts[status] += 1;
    if (onlineAt === null) online.neverOnline += 1;
    else {
      if (now - onlineAt < 60_000) online.onlineNow += 1;
      if (now - onlineAt < DAY_MS) online.lastDay += 1;
      if (now - onlineAt < 7 * DAY_MS) online.lastWeek += 1;
    }
  }
  const connected = [...state.nodes.values()].filter((node) => node.state === 'connected');
  return {
    cpu: { cores: 2 },
    memory: { total: 4e9, free: 2e9, used: 2e9 },
    uptime: 3600,
    timestamp: now,
    users: { statusCounts, totalUsers: state.users.size },
    onlineStats: online,
    nodes: {
      totalOnline: connected.reduce((sum, { usersOnline }) => sum + usersOnline, 0),
      totalBytesLifetime: String(totalTraffic(state)),
    },
  };
}

function statsBandwidth({ state }: Call): Reply {
  const total = totalTraffic(state);
  const period = { current: pretty(total), previous: pretty(0), difference: pretty(total) };
  return ok({
    bandwidthLastTwoDays: period,
    bandwidthLastSevenDays: period,
    bandwidthLast30Days: period,
    bandwidthCalendarMonth: period,
    bandwidthCurrentYear: period,
  });
}

function nodesMetrics({ state }: Call): Reply {
  const now = state.clock.now();
  const nodes = [...state.nodes.values()].map((node) => {
    const bytes = flownOf(node, now);
    const traffic = { upload: pretty(Math.round(bytes / 4)), download: pretty(Math.round((bytes * 3) / 4)) };
    return {
      nodeUuid: node.uuid,
      nodeName: node.name,
      countryEmoji: '🏳️',
      providerName: 'unknown',
      usersOnline: node.state === 'connected' ? node.usersOnline : 0,
      inboundsStats: [{ tag: 'vless-reality', ...traffic }],
      outboundsStats: [{ tag: 'DIRECT', ...traffic }],
    };
  });
  return ok({ nodes });
}

function configProfiles({ state }: Call): Reply {
  const time = new Date(0).toISOString();
  const profile = {
    uuid: PROFILE_UUID,
    viewPosition: 1,
    name: 'Default',
    config: { inbounds: [{ settings: { privateKey: `${SECRET_MARK}-profile` } }] },
    inbounds: [inboundToWire()],
    nodes: [...state.nodes.values()].map(({ uuid, name, countryCode }) => ({ uuid, name, countryCode })),
    createdAt: time,
    updatedAt: time,
  };
  return ok({ total: 1, configProfiles: [profile] });
}

function totalTraffic(state: PanelState): number {
  const now = state.clock.now();
  return [...state.nodes.values()].reduce((sum, node) => sum + flownOf(node, now), 0);
}
