import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe.each([2, 3] as const)('panel %i.x with a node that cannot be read', (generation) => {
  let panel: PanelSandbox;
  let world: TestApp;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation });
    world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
  });
  beforeEach(async () => {
    await panel.stop();
    panel = await startPanelSandbox({ generation, port: panel.port, nodes: 3, startAt: new Date() });
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
  });

  const look = (after = 0) => {
    panel.advance(after);
    return world.run('check_server_health', {}, { now: panel.now() });
  };
  const told = async (): Promise<string[]> =>
    (
      await world.database.pool.query<{ message: string }>(
        "select message from notification_queue where notification_type like 'alert:node%'",
      )
    ).rows.map(({ message }) => message);
  const statusOf = async (uuid: string) =>
    JSON.parse((await world.redis.client.get(`cybervpn:health:${uuid}:current`)) ?? '{}').status;

  test.each([
    ['with its uuid', { isConnected: null }],
    ['without its uuid', { uuid: null }],
  ])('%s: it is not offline, not removed and not told as either; the others are watched', async (_, set) => {
    const [odd, other] = panel.nodes();
    await look();
    panel.lie({ kind: 'odd', path: '/api/nodes', of: odd!.uuid, set });
    panel.changeNode(other!.uuid, { state: 'down' });
    await look(seconds(20));
    expect(await look(minutes(2))).toMatchObject({ checked: 2, unreadable: 1, offline: 1, began: 1, forgotten: 0 });
    expect(await look(minutes(30))).toMatchObject({ checked: 2, unreadable: 1, forgotten: 0 });
    expect(await statusOf(odd!.uuid)).toBe('online');
    const alerts = await told();
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toContain(other!.name);
  });

  test.each(['{"checked_at":7}', 'no json', 'null'])(
    'a node whose own record became %s is watched again from the next look on, and so are the others all the time',
    async (record) => {
      const [odd, other] = panel.nodes();
      await look();
      await world.redis.client.set(`cybervpn:health:${odd!.uuid}:current`, record);
      panel.changeNode(other!.uuid, { state: 'down' });
      await look(seconds(20));
      expect(await statusOf(odd!.uuid)).toBe('online');
      panel.changeNode(odd!.uuid, { state: 'down' });
      for (let i = 0; i < 3; i += 1) await look(minutes(2));
      expect(await told()).toHaveLength(2);
      expect(await world.app.metrics.registry.metrics()).toMatch(
        /cybervpn_unreadable_items_total\{source="node_states"\} [1-9]/,
      );
    },
  );

  test('a node that is gone while another cannot be read is forgotten, unless it may be that one', async () => {
    const [odd, gone] = panel.nodes();
    await look();
    panel.removeNode(gone!.uuid);
    panel.lie({ kind: 'odd', path: '/api/nodes', of: odd!.uuid, set: { uuid: null } });
    expect(await look(minutes(30))).toMatchObject({ unreadable: 1, forgotten: 0 });
    panel.faults();
    panel.lie({ kind: 'odd', path: '/api/nodes', of: odd!.uuid, set: { isDisabled: 'no' } });
    expect(await look(minutes(2))).toMatchObject({ unreadable: 1, forgotten: 1 });
  });

  test('an alert that is on stays on while its node cannot be read', async () => {
    const [odd] = panel.nodes();
    await look();
    panel.changeNode(odd!.uuid, { state: 'down' });
    await look(seconds(20));
    expect(await look(seconds(20))).toMatchObject({ began: 1 });
    panel.lie({ kind: 'odd', path: '/api/nodes', of: odd!.uuid, set: { isConnecting: 7 } });
    expect(await look(minutes(20))).toMatchObject({ ended: 0, forgotten: 0 });
    const active = await world.app.parts.alertStates.active(panel.now());
    expect(active.map(({ kind }) => kind)).toContain('node_offline');
  });

  test('its traffic is unknown, that of the others is noted, and configurations say which hosts are missing', async () => {
    const [odd, other] = panel.nodes();
    panel.lie({ kind: 'odd', path: '/api/nodes', of: odd!.uuid, set: { name: null } });
    panel.lie({ kind: 'odd', path: '/api/hosts', of: `${other!.countryCode} ${other!.name}`, set: { port: null } });
    expect(await world.run('collect_bandwidth_snapshots', {}, { now: panel.now() })).toMatchObject({ collected: 2 });
    expect(await world.run('sync_node_configs', {}, { now: panel.now() })).toEqual({ stored: 2 });
    const config = JSON.parse((await world.redis.client.get(`cybervpn:nodes:config:${other!.uuid}`))!);
    expect(config.unreadable_hosts).toEqual([expect.stringContaining(`remark ${other!.countryCode} ${other!.name}`)]);
  });
});
