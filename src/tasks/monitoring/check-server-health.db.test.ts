import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { schedulesOf } from '../../runtime/scheduler.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

const START = new Date('2026-11-20T10:00:00Z');

describe.each([2, 3] as const)('check_server_health, panel %i.x', (generation) => {
  let panel: PanelSandbox;
  let world: TestApp;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation });
    world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
    world.redis.client.on('error', () => undefined);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
  });
  beforeEach(async () => {
    await panel.stop();
    panel = await startPanelSandbox({ generation, port: panel.port, nodes: 3, startAt: START });
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
  });

  /** One check of the nodes, `after` ms after the previous one. */
  const look = (after = 0) => {
    panel.advance(after);
    return world.run('check_server_health', {}, { now: panel.now() });
  };
  const nodes = async () =>
    (await world.app.services.panel.nodes(new AbortController().signal)).items.map(({ uuid }) => uuid);
  const told = async (): Promise<string[]> =>
    (await world.database.pool.query('select message from notification_queue order by created_at')).rows.map(
      (row: { message: string }) => row.message,
    );
  /** Has what waits sent, and answers what arrived. */
  const delivered = async (): Promise<string[]> => {
    world.telegram.reset();
    await world.run('process_notification_queue');
    return world.telegram.messages().map(({ visible }) => visible);
  };
  const current = async (uuid: string) =>
    JSON.parse((await world.redis.client.get(`cybervpn:health:${uuid}:current`)) ?? 'null');
  const statusEvents = async () =>
    (await world.app.services.events.latest(100)).filter(({ type }) => type === 'server.status_changed').reverse();

  test('a node seen for the first time is recorded, not alerted, whatever its state', async () => {
    const [online, down] = await nodes();
    panel.changeNode(down!, { state: 'down' });
    expect(await look()).toMatchObject({ checked: 3, online: 2, offline: 1, began: 0, changed: 0 });
    await look(seconds(20));
    await look(minutes(2));

    expect(await told()).toEqual([]);
    expect(await current(online!)).toMatchObject({ status: 'online', name: 'Amsterdam 1', country: 'NL' });
    expect(await current(down!)).toMatchObject({ status: 'offline' });
    expect(await statusEvents()).toEqual([]);
  });

  test('online, connecting, offline is one CRITICAL within 3 minutes, and back is one RESOLVED with the downtime', async () => {
    const [uuid] = await nodes();
    await look();
    panel.advance(seconds(1));
    panel.changeNode(uuid!, { state: 'connecting' });
    panel.advance(seconds(30));
    const downAt = panel.now();
    panel.changeNode(uuid!, { state: 'down' });

    expect(await look(seconds(89))).toMatchObject({ offline: 1, began: 0, look_again_seconds: 20 });
    expect(await told()).toEqual([]);
    expect(await look(seconds(20))).toMatchObject({ offline: 1, began: 1 });
    expect(panel.now().getTime() - downAt.getTime()).toBeLessThan(minutes(3));
    await look(minutes(2));
    await look(minutes(2));
    const [alert, ...others] = await told();
    expect(others).toEqual([]);
    expect(alert).toContain('CRITICAL');
    expect(alert).toContain('Node <b>Amsterdam 1</b> is offline');
    expect(alert).toContain('connect ECONNREFUSED');
    expect(await delivered()).toHaveLength(1);

    panel.advance(seconds(19));
    panel.changeNode(uuid!, { state: 'connected' });
    expect(await look(seconds(30))).toMatchObject({ online: 3, ended: 0, look_again_seconds: 30 });
    expect(await look(seconds(30))).toMatchObject({ ended: 1 });
    await look(minutes(2));
    const [, resolved, ...more] = await told();
    expect(more).toEqual([]);
    expect(resolved).toContain('RESOLVED');
    expect(resolved).toMatch(/Downtime: 6 min 8 s/);
  });

  test('every change is in the history and an event, with the time at which the panel saw it', async () => {
    const [uuid] = await nodes();
    await look();
    panel.advance(seconds(50));
    panel.changeNode(uuid!, { state: 'down' });
    await look(seconds(70));
    await look(seconds(20));

    const history = await world.app.services.nodeHealth.history(uuid!, START, panel.now());
    expect(history).toEqual([
      { status: 'online', previousStatus: undefined, at: START },
      { status: 'offline', previousStatus: 'online', at: new Date(START.getTime() + seconds(50)) },
    ]);
    const scored = await world.redis.client.zrange(`cybervpn:health:${uuid}:history`, '0', '-1', 'WITHSCORES');
    expect([scored[1], scored[3]]).toEqual(
      [START, new Date(START.getTime() + seconds(50))].map((at) => `${at.getTime()}`),
    );
    const [event, ...others] = await statusEvents();
    expect(others).toEqual([]);
    expect(event!.data).toMatchObject({
      node_uuid: uuid,
      name: 'Amsterdam 1',
      country: 'NL',
      status: 'offline',
      previous_status: 'online',
    });
  });

  test('a node that is only away for a moment is not alerted', async () => {
    const [uuid] = await nodes();
    await look();
    panel.changeNode(uuid!, { state: 'down' });
    await look(minutes(2));
    panel.changeNode(uuid!, { state: 'connected' });
    await look(seconds(20));
    await look(minutes(2));
    expect(await told()).toEqual([]);
  });

  test('a node that is connecting is followed closely and is no critical alert', async () => {
    const [uuid] = await nodes();
    await look();
    panel.changeNode(uuid!, { state: 'connecting' });
    expect(await look(minutes(2))).toMatchObject({ warning: 1, look_again_seconds: 20 });
    expect(await look(minutes(3))).toMatchObject({ warning: 1, look_again_seconds: null });
    expect(await told()).toEqual([]);
    expect(await current(uuid!)).toMatchObject({ status: 'warning' });
  });

  test('a node disabled by an admin is in maintenance and no alert; one that was down ends without a word', async () => {
    const [disabled, down] = await nodes();
    await look();
    panel.changeNode(disabled!, { state: 'disabled' });
    panel.changeNode(down!, { state: 'down' });
    await look(minutes(2));
    await look(seconds(20));
    expect(await told()).toHaveLength(1);
    expect(await current(disabled!)).toMatchObject({ status: 'maintenance', previous_status: 'online' });

    panel.changeNode(down!, { state: 'disabled' });
    await look(minutes(2));
    expect(await told()).toHaveLength(1);
    expect(await world.app.parts.alertStates.active(panel.now())).toEqual([]);
  });

  test('ten flaps are one "unstable", and calm afterwards is one message more', async () => {
    const [uuid] = await nodes();
    await look();
    for (let flap = 0; flap < 10; flap += 1) {
      panel.changeNode(uuid!, { state: 'down' });
      await look(seconds(25));
      panel.changeNode(uuid!, { state: 'connected' });
      await look(seconds(25));
    }
    const [unstable, ...others] = await delivered();
    expect(others).toEqual([]);
    expect(unstable).toContain('Amsterdam 1 is unstable');

    for (let i = 0; i < 6; i += 1) await look(minutes(2));
    expect(await delivered()).toEqual([expect.stringContaining('stable again')]);
  });

  test('a node that stops flapping by staying down is offline then', async () => {
    const [uuid] = await nodes();
    await look();
    for (const state of ['down', 'connected', 'down', 'connected', 'down'] as const) {
      panel.changeNode(uuid!, { state });
      await look(seconds(30));
    }
    for (let i = 0; i < 6; i += 1) await look(minutes(2));
    const messages = await told();
    expect(messages).toHaveLength(2);
    expect(messages[0]).toContain('is unstable');
    expect(messages[1]).toContain('is offline');
  });

  test('forty nodes that go down at once are one alert', async () => {
    for (let i = 0; i < 40; i += 1) panel.addNode({ name: `Mass ${i}`, countryCode: 'DE' });
    const all = await nodes();
    await look();
    for (const uuid of all.slice(3)) panel.changeNode(uuid, { state: 'down' });
    await look(minutes(2));
    expect(await look(seconds(20))).toMatchObject({ offline: 40, began: 40 });
    const [alert, ...others] = await delivered();
    expect(others).toEqual([]);
    expect(alert).toContain('40 alerts of one kind\n\n🚨 CRITICAL · 🕒 2026-11-20 10:02 UTC');
    for (let i = 0; i < 40; i += 1)
      expect(alert).toMatch(new RegExp(`^• Node Mass ${i} is offline · Country: DE`, 'm'));
  });

  test('with the panel away no node is declared offline, and the run is retried', async () => {
    const [uuid] = await nodes();
    await look();
    panel.faults({ kind: 'error', status: 503 });
    await expect(look(minutes(2))).rejects.toMatchObject({ code: 'remnawave_unavailable' });
    panel.faults();
    await look(minutes(2));
    expect(await current(uuid!)).toMatchObject({ status: 'online' });
    expect(await told()).toEqual([]);
  });

  test('an empty listing from the panel is unknown, not the end of all nodes', async () => {
    const [uuid] = await nodes();
    await look();
    panel.lie({ kind: 'empty', path: '/api/nodes' });
    expect(await look(minutes(30))).toMatchObject({ checked: 0, forgotten: 0 });
    expect(await current(uuid!)).toMatchObject({ status: 'online' });
  });

  test('a node removed from the panel is forgotten', async () => {
    const [gone] = await nodes();
    await look();
    panel.changeNode(gone!, { state: 'down' });
    await look(minutes(2));
    await look(seconds(20));
    panel.removeNode(gone!);
    expect(await look(minutes(2))).toMatchObject({ checked: 2, forgotten: 0 });
    expect(await look(minutes(9))).toMatchObject({ forgotten: 1 });
    expect(await current(gone!)).toBeNull();
    expect(await world.app.parts.alertStates.active(panel.now())).toEqual([]);
    expect(await told()).toHaveLength(1);
  });

  test('the second look is a delayed job, one for all nodes that need it', async () => {
    const [first, second] = await nodes();
    await look();
    for (const uuid of [first, second]) panel.changeNode(uuid!, { state: 'down' });
    await look(minutes(2));
    const delayed = await world.app.queues.get('monitoring').getDelayed();
    expect(delayed.map(({ data, delay, name }) => ({ name, payload: data.payload, delay }))).toEqual([
      { name: 'check_server_health', payload: { look: 'again' }, delay: seconds(20) },
    ]);
  });

  test('runs every HEALTH_CHECK_INTERVAL_SECONDS', () => {
    const { config, disabledTasks, registry } = world.app;
    const settings = { ...config, HEALTH_CHECK_INTERVAL_SECONDS: 30 };
    const schedules = schedulesOf({ registry, settings, overrides: new Map(), disabledTasks });
    expect(schedules.get('check_server_health')).toEqual({ everyMs: seconds(30) });
  });

  test('with Redis away the states go to the log and nothing breaks', async () => {
    await look();
    await world.redis.server.stop();
    expect(await look(minutes(2))).toMatchObject({ checked: 3, online: 3, changed: 0, began: 0 });
    expect(await told()).toEqual([]);
    await world.redis.server.restart();
    await expect.poll(() => world.app.redis.ping().catch(() => 'away'), { timeout: 10_000 }).toBe('PONG');
    expect(await look(minutes(2))).toMatchObject({ checked: 3, online: 3 });
  }, 60_000);

  test('the metric shows each node in exactly one status', async () => {
    const [uuid] = await nodes();
    await look();
    panel.changeNode(uuid!, { state: 'disabled' });
    await world.run('check_server_health', {});
    const text = await world.app.metrics.registry.metrics();
    expect(text).toContain(`cybervpn_server_health{node_uuid="${uuid}",status="maintenance"} 1`);
    expect(text).toContain(`cybervpn_server_health{node_uuid="${uuid}",status="online"} 0`);
    expect(text.match(/^cybervpn_server_health.* 1$/gm)).toHaveLength(3);
  });
});
