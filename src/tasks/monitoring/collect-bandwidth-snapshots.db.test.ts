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
    expect(await collect()).toEqual({ collected: 1, untracked: 0, unweighed: 0, unknown: 1 });
    flow(3 * GIB);
    expect(await collect(minutes(5))).toEqual({ collected: 1, untracked: 0, unweighed: 0, unknown: 0 });
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

  test.each([0.1, 0.5, 2, 100])(
    'a panel that counts each byte %d times tells how many bytes there were',
    async (times) => {
      const weight = generation === 3 ? times : 1;
      panel.changeNode(node, { nodeConsumptionMultiplier: weight, trafficBytesPerSecond: 1_000_000 });
      await collect();
      const before = panel.changeNode(node, {}).trafficUsedBytes;
      await collect(minutes(5));
      expect(panel.changeNode(node, {}).trafficUsedBytes - before).toBe(300_000_000 * weight);
      expect((await samples()).at(-1)).toMatchObject({ bytes: expect.closeTo(300_000_000, -2), weight });
    },
  );

  test('a weight that somebody changes makes no traffic of what was counted before', async () => {
    panel.changeNode(node, { trafficUsedBytes: 10 * GIB, trafficBytesPerSecond: 1_000_000 });
    await collect();
    panel.changeNode(node, { nodeConsumptionMultiplier: 4 });
    await collect(minutes(5));
    await collect(minutes(5));
    const last = (await samples()).slice(1).map(({ bytes }) => bytes);
    if (generation === 3) expect(last).toEqual([undefined, expect.closeTo(300_000_000, -2)]);
  });

  test('a weight of 0, or one that is no number, leaves the traffic unknown, and the others are noted', async () => {
    if (generation === 2) return;
    panel.addNode({ name: 'Free', countryCode: 'DE', trafficUsedBytes: GIB, nodeConsumptionMultiplier: 0 });
    const odd = panel.addNode({ name: 'Odd', countryCode: 'DE', trafficUsedBytes: GIB });
    for (const multiplier of ['much', -1, true]) {
      panel.faults();
      panel.lie({ kind: 'odd', path: '/api/nodes', of: odd.uuid, set: { nodeConsumptionMultiplier: multiplier } });
      expect(await collect(minutes(5))).toMatchObject({ collected: 1, untracked: 0, unweighed: 2 });
    }
    panel.faults();
    panel.lie({ kind: 'odd', path: '/api/nodes', of: odd.uuid, set: { nodeConsumptionMultiplier: null } });
    expect(await collect(minutes(5))).toMatchObject({ collected: 2, unweighed: 1 });
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
