import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PanelNode } from '../../clients/remnawave/types.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { PythonKeyWriter } from '../../testing/python-keys.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const NOW = new Date('2026-11-20T10:02:00.000Z');
const at = (ms: number): Date => new Date(NOW.getTime() + ms);

describe('what the Python worker kept in Redis', () => {
  let world: TestApp;
  let python: PythonKeyWriter;
  beforeAll(async () => {
    world = await testApp();
    python = new PythonKeyWriter(world.redis.client);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.redis.client.flushall();
    await world.database.pool.query('truncate notification_queue cascade');
  });

  const takeOver = () => world.app.parts.takeover.run(NOW, new AbortController().signal);
  const alerts = async (): Promise<string[]> =>
    (await world.database.pool.query('select message from notification_queue order by created_at')).rows.map(
      (row: { message: string }) => row.message,
    );
  const panelNode = (uuid: string, isConnected: boolean): PanelNode => ({
    ...{ uuid, name: 'Amsterdam 1', address: '192.0.2.1', countryCode: 'NL', inbounds: [] },
    ...{ isConnected, isConnecting: false, isDisabled: false },
  });
  const look = (node: PanelNode, when: Date) =>
    world.app.services.nodeWatch.observe({ items: [node], holes: [] }, when);

  test('a node that was offline and is back: one RESOLVED with its whole downtime, and no second alert before', async () => {
    const uuid = randomUUID();
    const offlineSince = at(-hours(3));
    await python.node(uuid, {
      status: 'offline',
      name: 'Amsterdam 1',
      country: 'NL',
      at: at(-minutes(2)),
      offlineSince,
    });
    expect(await takeOver()).toMatchObject({ nodes: 1 });

    await look(panelNode(uuid, false), NOW);
    await look(panelNode(uuid, false), at(seconds(20)));
    expect(await alerts()).toEqual([]);
    await look(panelNode(uuid, true), at(minutes(2)));
    await look(panelNode(uuid, true), at(minutes(4)));
    expect(await alerts()).toEqual([expect.stringMatching(/RESOLVED[\s\S]*Amsterdam 1[\s\S]*3 h/)]);
  });

  test('a node that went down while nobody looked is alerted', async () => {
    const uuid = randomUUID();
    await python.node(uuid, { status: 'online', name: 'Amsterdam 1', country: 'NL', at: at(-minutes(2)) });
    await takeOver();
    await look(panelNode(uuid, false), NOW);
    await look(panelNode(uuid, false), at(seconds(20)));
    expect(await alerts()).toEqual([expect.stringMatching(/CRITICAL[\s\S]*Amsterdam 1/)]);
  });

  test('its history is rewritten in milliseconds, in order, each change with what was before', async () => {
    const uuid = randomUUID();
    const changes = [
      { status: 'offline', at: at(-hours(50)) },
      { status: 'online', at: at(-hours(49)) },
      { status: 'maintenance', at: at(-hours(1)) },
    ];
    await python.history(uuid, changes);
    expect(await takeOver()).toMatchObject({ histories: 1 });
    const history = await world.app.services.nodeHealth.history(uuid, at(-hours(100)), NOW);
    expect(history).toEqual([
      { ...changes[0], previousStatus: undefined },
      { ...changes[1], previousStatus: 'offline' },
      { ...changes[2], previousStatus: 'online' },
    ]);
    expect(await world.redis.client.zcard(`cybervpn:health:${uuid}:history`)).toBe(3);
  });

  test('a service that was down, and whose end is told; one that failed once goes on being counted', async () => {
    await python.service('telegram', { isUp: false, failures: 7, at: at(-minutes(1)) });
    await python.service('database', { isUp: false, failures: 2, at: at(-minutes(1)) });
    expect(await takeOver()).toMatchObject({ services: 2 });
    const { alertStates, serviceHealth } = world.app.parts;
    expect(await serviceHealth.find('telegram')).toMatchObject({ status: 'down', failures: 7 });
    expect(await serviceHealth.find('postgresql')).toMatchObject({ status: 'failing', failures: 2 });
    expect(await world.redis.client.exists('cybervpn:health:services:database')).toBe(0);
    expect(await alertStates.active(NOW)).toMatchObject([{ id: 'service_down:telegram', told: true }]);
    expect(await alerts()).toEqual([]);
  });

  test('snapshots become samples, which no counter of ours is subtracted from; zeros say nothing', async () => {
    const uuid = randomUUID();
    const keys = [
      await python.snapshot(uuid, at(-minutes(10)), 3_000_000),
      await python.snapshot(uuid, at(-minutes(5)), 6_000_000),
      await python.snapshot(uuid, NOW, 0),
      await python.snapshot(uuid, at(-hours(47.5)), 1),
    ];
    expect(await takeOver()).toMatchObject({ samples: 3 });
    expect(await world.redis.client.exists(...keys)).toBe(0);
    const samples = await world.app.services.bandwidth.between(uuid, at(-hours(1)), at(1_000));
    expect(samples).toMatchObject([
      { bytes: 3_000_000, seconds: 300, totalBytes: undefined },
      { bytes: 6_000_000, seconds: 300 },
    ]);
  });

  test.each([
    ['under the end of the hour in seconds', String(Date.parse('2026-11-20T09:00:00Z') / 1000)],
    ['under our own name', '2026-11-20T08'],
  ])('hours that are hashes become ours: %s', async (_, name) => {
    const [uuid, idle] = [randomUUID(), randomUUID()];
    const key = await python.hour(uuid, name, { sum: 3_600_000, avg: 300_000, max: 600_000, min: 0, samples: 12 });
    const empty = await python.hour(idle, name, { sum: 0, avg: 0, max: 0, min: 0, samples: 12 });
    expect(await takeOver()).toMatchObject({ hours: 1 });
    expect(await world.app.services.hourlyBandwidth.of(uuid, ['2026-11-20T08'])).toEqual([
      {
        ...{ node_uuid: uuid, hour: '2026-11-20T08', sum: 3_600_000, avg: 1_000, max: 2_000, min: 0 },
        ...{ samples: 12, expected: 12, covered_seconds: 3_600 },
      },
    ]);
    expect(await world.app.services.hourlyBandwidth.of(idle, ['2026-11-20T08'])).toEqual([]);
    expect(await world.redis.client.type(empty)).toBe('none');
    expect(await world.redis.client.type(key)).toBe(name === '2026-11-20T08' ? 'string' : 'none');
  });

  test('is read once: run twice, or by two workers at once, it changes nothing more, and nothing of ours is replaced', async () => {
    const uuid = randomUUID();
    await python.node(uuid, { status: 'online', name: 'Old name', country: 'NL', at: at(-minutes(2)) });
    await python.history(uuid, [{ status: 'online', at: at(-hours(2)) }]);
    await python.hour(uuid, '2026-11-20T08', { sum: 300, avg: 25, max: 25, min: 25, samples: 12 });
    await python.snapshot(uuid, at(-minutes(5)), 300);
    await python.service('telegram', { isUp: true, failures: 0, at: at(-minutes(1)) });
    await Promise.all([takeOver(), takeOver()]);
    await look(panelNode(uuid, true), NOW);
    const { client } = world.redis;
    const before = await Promise.all((await client.keys('*')).sort().map(async (key) => [key, await client.dump(key)]));
    expect(await takeOver()).toEqual({ nodes: 0, histories: 0, services: 0, samples: 0, hours: 0 });
    expect(
      await Promise.all((await client.keys('*')).sort().map(async (key) => [key, await client.dump(key)])),
    ).toEqual(before);
    expect(await client.zcard(`cybervpn:health:${uuid}:history`)).toBe(1);
  });

  test('what is of neither shape is left as it is', async () => {
    const { client } = world.redis;
    const uuid = randomUUID();
    await client.set(`cybervpn:health:${uuid}:current`, 'not json');
    await client.hset(`cybervpn:health:services:x`, { a: 1 });
    await client.zadd(`cybervpn:bandwidth:${uuid}`, 1, 'x');
    await client.set('cybervpn:mobile_auth:1', 'theirs');
    expect(await takeOver()).toEqual({ nodes: 0, histories: 0, services: 0, samples: 0, hours: 0 });
    expect(await client.dbsize()).toBe(4);
  });
});
