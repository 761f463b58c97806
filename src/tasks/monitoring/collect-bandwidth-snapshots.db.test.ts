import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const START = new Date('2026-11-20T10:00:00Z');
const GIB = 1024 ** 3;

describe.each([2, 3] as const)('collect_bandwidth_snapshots, panel %i.x', (generation) => {
  let panel: PanelSandbox;
  let world: TestApp;
  let node: string;
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
    panel = await startPanelSandbox({ generation, port: panel.port, startAt: START });
    node = panel.addNode({ name: 'Amsterdam', countryCode: 'NL', trafficUsedBytes: 500 * GIB, usersOnline: 7 }).uuid;
    await world.redis.client.flushall();
  });

  const collect = (after = 0) => {
    panel.advance(after);
    return world.run('collect_bandwidth_snapshots', {}, { now: panel.now() });
  };
  const flow = (bytes: number): void => {
    const total = panel.changeNode(node, {}).trafficUsedBytes;
    panel.changeNode(node, { trafficUsedBytes: total + bytes });
  };
  const samples = () => world.app.services.bandwidth.between(node, START, new Date('2027-01-01T00:00:00Z'));

  test('each snapshot holds what has flowed since the one before; of the first that is unknown', async () => {
    expect(await collect()).toEqual({ collected: 1, untracked: 0, unknown: 1 });
    flow(3 * GIB);
    expect(await collect(minutes(5))).toEqual({ collected: 1, untracked: 0, unknown: 0 });
    flow(GIB);
    await collect(minutes(5));
    expect((await samples()).map(({ bytes, seconds }) => [bytes, seconds])).toEqual([
      [undefined, undefined],
      [3 * GIB, 300],
      [GIB, 300],
    ]);
    expect(await samples()).toMatchObject([{ totalBytes: 500 * GIB, usersOnline: 7 }, {}, {}]);
  });

  test('a counter that starts again gives no negative and no absurd value', async () => {
    await collect();
    panel.changeNode(node, { trafficUsedBytes: 2 * GIB });
    await collect(minutes(5));
    panel.changeNode(node, { trafficUsedBytes: 900_000 * GIB });
    expect(await collect(minutes(5))).toMatchObject({ unknown: 1 });
    flow(GIB);
    await collect(minutes(5));
    expect((await samples()).map(({ bytes }) => bytes)).toEqual([undefined, 2 * GIB, undefined, GIB]);
  });

  test('two runs at the same second are one snapshot', async () => {
    await collect();
    flow(GIB);
    await collect(minutes(5));
    await collect();
    expect((await samples()).map(({ bytes }) => bytes)).toEqual([undefined, GIB]);
  });

  test('snapshots are kept for 48 hours, by time in seconds', async () => {
    await collect();
    await collect(hours(47));
    await collect(hours(2));
    const key = `cybervpn:bandwidth:${node}`;
    const [member, score, ...rest] = await world.redis.client.zrange(key, '0', '-1', 'WITHSCORES');
    expect(Number(score)).toBe((START.getTime() + hours(47)) / 1000);
    expect(JSON.parse(member!)).toMatchObject({
      at: '2026-11-22T09:00:00.000Z',
      total_bytes: 500 * GIB,
      users_online: 7,
    });
    expect(rest).toHaveLength(2);
    expect(await world.redis.client.pttl(key)).toBeGreaterThan(hours(47));
  });

  test('also runs under the name that Python producers use', async () => {
    expect(await world.run('collect_bandwidth_snapshot', {}, { now: panel.now() })).toMatchObject({ collected: 1 });
  });

  test('with the panel away nothing is noted and the run is retried', async () => {
    panel.faults({ kind: 'error', status: 503, count: 1 });
    await expect(collect(seconds(1))).rejects.toMatchObject({ code: 'remnawave_unavailable' });
    expect(await samples()).toEqual([]);
  });
});
