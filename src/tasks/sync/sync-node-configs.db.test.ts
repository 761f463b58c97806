import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe.each([2, 3] as const)('sync_node_configs, panel %i.x', (generation) => {
  let panel: PanelSandbox;
  let world: TestApp;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation, nodes: 3 });
    world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
  });

  test('stores each node with its inbounds and the hosts that lead to it, for 35 minutes', async () => {
    expect(await world.run('sync_node_configs')).toEqual({ stored: 3 });
    const [node] = (await world.app.services.panel.nodes(new AbortController().signal)).items;
    const key = `cybervpn:nodes:config:${node!.uuid}`;
    const config = JSON.parse((await world.redis.client.get(key))!);
    expect(config).toMatchObject({
      node: {
        uuid: node!.uuid,
        name: 'Amsterdam 1',
        country: 'NL',
        address: 'node-1.example.test',
        is_disabled: false,
      },
      inbounds: node!.inbounds.map(({ tag, uuid }) => ({ tag, uuid })),
      updated_at: expect.any(String),
    });
    expect(config.inbounds.length).toBeGreaterThan(0);
    expect(config.hosts.length).toBeGreaterThan(0);
    expect(Math.round((await world.redis.client.pttl(key)) / 60_000)).toBe(35);
  });

  test('also runs under the name that Python producers use', async () => {
    expect(await world.run('sync_node_configurations')).toEqual({ stored: 3 });
  });
});
