import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days } from '../../lib/duration.ts';
import { collect, never, testPanel } from '../../testing/test-panel.ts';
import type { Panel } from './panel.ts';

let sandbox: PanelSandbox;
beforeAll(async () => {
  sandbox = await startPanelSandbox({ generation: 3, users: 2, nodes: 1 });
});
afterAll(() => sandbox.stop());

const until = new Date(Date.now() + days(30));
const CALLS: readonly [string, string, (panel: Panel) => Promise<unknown>][] = [
  ['users', 'users:read', (panel) => collect(panel.users({}, never))],
  ['user', 'users:read', (panel) => panel.user('1', never)],
  ['usersByTelegramId', 'users:read', (panel) => panel.usersByTelegramId(5, never)],
  ['userByUsername', 'users:read', (panel) => panel.userByUsername('anna', never)],
  ['userByShortUuid', 'users:read', (panel) => panel.userByShortUuid('abc', never)],
  ['disable', 'users:write', (panel) => panel.disable('1', never)],
  ['enable', 'users:write', (panel) => panel.enable('1', never)],
  ['resetTraffic', 'users:write', (panel) => panel.resetTraffic('1', never)],
  ['delete', 'users:write', (panel) => panel.delete('2', never)],
  ['extendTo', 'users:write', (panel) => panel.extendTo('1', until, never)],
  ['bulkResetTraffic', 'users:write', (panel) => panel.bulkResetTraffic(['1'], never)],
  ['nodes', 'nodes:read', (panel) => panel.nodes(never)],
  ['hosts', 'hosts:read', (panel) => panel.hosts(never)],
  ['stats', 'system:read', (panel) => panel.stats(never)],
  ['health', 'system:read', (panel) => panel.health(never)],
  ['nodeMetrics', 'system:read', (panel) => panel.nodeMetrics(never)],
  ['bandwidth', 'bandwidth-stats:read', (panel) => panel.bandwidth('2026-01-01', '2026-01-02', never)],
  ['configProfiles', 'config-profiles:read', (panel) => panel.configProfiles(never)],
];

test.each(CALLS)('%s without %s is refused with that scope in the error, and works with it', async (_, scope, call) => {
  const { panel, policy } = testPanel(sandbox);
  // An act may read its user first.
  sandbox.allow(['system:metadata', ...(scope === 'users:read' ? [] : ['users:read'])]);
  const refused = { code: 'remnawave_unauthorized', message: expect.stringContaining(`the scope ${scope}?`) };
  await expect(call(panel)).rejects.toMatchObject(refused);
  expect(policy.state).toBe('closed');
  sandbox.allow(['system:metadata', scope, 'users:read']);
  await call(panel);
});
