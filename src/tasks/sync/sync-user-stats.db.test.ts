import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe.each([2, 3] as const)('sync_user_stats, panel %i.x', (generation) => {
  let panel: PanelSandbox;
  let world: TestApp;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation, users: 100 });
    world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
  });

  test('stores how many users there are in each state, for 15 minutes', async () => {
    const now = new Date('2026-11-20T10:00:00Z');
    const summary = { total: 100, disabled: 10, expired: 10, limited: 2, active: 78, online: expect.any(Number) };
    expect(await world.run('sync_user_stats', {}, { now })).toMatchObject(summary);
    const text = await world.redis.client.get('cybervpn:users:stats:summary');
    expect(JSON.parse(text!)).toEqual({ ...summary, updated_at: '2026-11-20T10:00:00.000Z' });
    const ttlMs = await world.redis.client.pttl('cybervpn:users:stats:summary');
    expect(Math.round(ttlMs / 60_000)).toBe(15);
  });

  test('with the panel away the last summary stays until its time is over', async () => {
    panel.faults({ kind: 'error', status: 503, count: 1 });
    await expect(world.run('sync_user_stats')).rejects.toMatchObject({ code: 'remnawave_unavailable' });
    const text = await world.redis.client.get('cybervpn:users:stats:summary');
    expect(JSON.parse(text!)).toMatchObject({ total: 100 });
  });
});
