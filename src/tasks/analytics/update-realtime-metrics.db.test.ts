import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';
import { until } from '../../testing/until.ts';

const NOON = new Date('2026-03-14T12:00:00Z');

describe('update_realtime_metrics', () => {
  let world: FiguresWorld;
  beforeAll(async () => {
    world = await figuresWorld(NOON.toISOString());
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.clear());

  const run = (now = NOON) => world.app.run('update_realtime_metrics', {}, { now });
  const record = () => world.stored('dashboard:realtime');

  test('tells users online, bandwidth, nodes by state and the last 5 events, for two minutes', async () => {
    world.panel.addUser({ username: 'online', expireAt: NOON.getTime() + minutes(60), onlineAt: NOON.getTime() });
    const uuid = await world.node('Amsterdam', [['2026-03-10T00:00:00Z', 'online']], NOON.toISOString());
    await world.node('Berlin', [['2026-03-10T00:00:00Z', 'offline']], '2026-03-14T11:58:00Z');
    await world.counter(uuid, [
      ['2026-03-14T11:50:00Z', 0],
      ['2026-03-14T11:55:00Z', 30_000_000],
    ]);
    for (let i = 1; i <= 6; i += 1) await world.app.app.services.events.publish('payment.completed', { i });

    expect(await run()).toEqual({ users_online: 1, bandwidth_bytes_per_second: 100_000, nodes: 2 });
    expect(await record()).toMatchObject({
      users_online: 1,
      bandwidth_bytes_per_second: 100_000,
      bandwidth_nodes: 1,
      nodes: { total: 2, online: 1, offline: 1, warning: 0, maintenance: 0 },
      nodes_checked_at: NOON.toISOString(),
      events: [6, 5, 4, 3, 2].map((i) => ({ type: 'payment.completed', data: { i } })),
    });
    expect(await world.app.redis.client.pttl('cybervpn:dashboard:realtime')).toBeGreaterThan(minutes(1.9));
  });

  test('what is not known is null: panel away, no snapshots, no nodes', async () => {
    world.panel.faults({ kind: 'error', status: 503 });
    await run();
    world.panel.faults();
    expect(await record()).toMatchObject({
      users_online: null,
      bandwidth_bytes_per_second: null,
      nodes: null,
      nodes_checked_at: null,
    });
  });

  test('a snapshot of a quarter of an hour ago says nothing of now', async () => {
    const uuid = await world.node('Amsterdam', [['2026-03-10T00:00:00Z', 'online']], NOON.toISOString());
    await world.counter(uuid, [
      ['2026-03-14T11:40:00Z', 0],
      ['2026-03-14T11:45:00Z', 30_000_000],
    ]);
    expect(await run()).toMatchObject({ bandwidth_bytes_per_second: null });
  });

  test('is published to whoever listens', async () => {
    const listener = world.app.redis.client.duplicate();
    const heard: string[] = [];
    listener.on('message', (_channel, text) => heard.push(text));
    await listener.subscribe('cybervpn:sse:events');
    await run();
    await until('the event arrives', () => heard.length > 0);
    expect(JSON.parse(heard[0]!)).toMatchObject({
      type: 'dashboard.realtime',
      data: { updated_at: NOON.toISOString() },
    });
    listener.disconnect();
  });
});
