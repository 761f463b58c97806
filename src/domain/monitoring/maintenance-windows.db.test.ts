import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const START = new Date('2026-11-20T10:00:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);

describe('maintenance windows of a node', () => {
  let panel: PanelSandbox;
  let world: TestApp;
  let node: string;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation: 3 });
    world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
  });
  beforeEach(async () => {
    await panel.stop();
    panel = await startPanelSandbox({ generation: 3, port: panel.port, nodes: 3, startAt: START });
    await world.database.pool.query('drop schema if exists task_worker cascade');
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    await installOwnSchema(world.app.database);
    const { items } = await world.app.services.panel.nodes(new AbortController().signal);
    node = items[0]!.uuid;
    await look();
  });

  const windows = () => world.app.parts.maintenanceWindows;
  const look = (after = 0) => {
    panel.advance(after);
    return world.run('check_server_health', {}, { now: panel.now() });
  };
  const plan = (to: number, from?: number) =>
    windows().plan(
      {
        ...{ node, name: 'Amsterdam 1', by: 'token:olga', reason: 'a new kernel' },
        ...{ from: from === undefined ? undefined : later(from), to: later(to) },
      },
      panel.now(),
    );
  const told = async (): Promise<string[]> =>
    (await world.database.pool.query('select message from notification_queue order by created_at')).rows.map(
      (row: { message: string }) => row.message,
    );
  const state = async () =>
    (await world.app.services.nodeHealth.all()).nodes.find(({ record }) => record.nodeUuid === node)!.record;

  test('nobody is told of the node meanwhile, it is in maintenance, and one that is well at the end is not told of', async () => {
    await plan(hours(2));
    panel.changeNode(node, { state: 'down' });
    expect(await look(minutes(1))).toMatchObject({ offline: 0, maintenance: 1, online: 2, began: 0 });
    for (let i = 0; i < 5; i += 1) await look(minutes(20));
    await world.run('check_anomalies', {}, { now: panel.now() });
    expect(await told()).not.toContainEqual(expect.stringContaining('Amsterdam 1'));
    expect(await state()).toMatchObject({ status: 'maintenance', reason: 'a new kernel' });
    panel.changeNode(node, { state: 'connected' });
    expect(await look(minutes(30))).toMatchObject({ online: 3, maintenance: 0, began: 0 });
    expect((await state()).since).toEqual(later(hours(2)));
  });

  test('a node that is still down at its end is told at once, as down since then; the look at that moment is asked for', async () => {
    await plan(minutes(30));
    panel.changeNode(node, { state: 'down' });
    const during = await look(minutes(2));
    expect(during).toMatchObject({ began: 0, look_again_seconds: 28 * 60 + 1 });
    expect(await look(minutes(28) + seconds(1))).toMatchObject({ began: 1 });
    expect(await told()).toEqual([expect.stringContaining('Node <b>Amsterdam 1</b> is offline')]);
    expect((await state()).downSince).toEqual(later(minutes(30)));
    panel.changeNode(node, { state: 'connected' });
    await look(minutes(1));
    expect(await look(minutes(2))).toMatchObject({ ended: 1 });
  });

  test('a window that was ended by hand is over at once', async () => {
    const { window } = await plan(days(3));
    panel.changeNode(node, { state: 'down' });
    await look(minutes(1));
    await look(minutes(1));
    expect(await windows().end(window.id, 'token:olga', panel.now())).toMatchObject({ isEnded: true });
    expect(await windows().end(window.id, 'token:olga', panel.now())).toMatchObject({ isEnded: false });
    expect(await look(seconds(1))).toMatchObject({ began: 1 });
  });

  test('an alert that is on is taken off when maintenance begins, and its time is neither up nor down', async () => {
    panel.changeNode(node, { state: 'down' });
    await look(minutes(1));
    expect(await look(seconds(20))).toMatchObject({ began: 1 });
    await plan(hours(1));
    await look(minutes(1));
    expect((await world.app.parts.alertStates.active(panel.now())).map(({ id }) => id)).toEqual([]);
    await look(minutes(5));
    const { incidents } = world.app.parts;
    await until('the end of the incident is noted', async () => {
      const [incident] = await incidents.incidents({ kind: 'node', limit: 1 });
      return incident?.endedAt !== undefined;
    });
    const [day] = await incidents.nodeDays(START, node);
    expect(Number(day!.upMs) + Number(day!.downMs)).toBeLessThanOrEqual(minutes(1) + seconds(20) + minutes(1));
  });

  test('one that is planned does nothing before its time, and nothing where it is taken back', async () => {
    const { window } = await plan(hours(2), hours(1));
    panel.changeNode(node, { state: 'down' });
    await look(minutes(1));
    expect(await look(seconds(20))).toMatchObject({ began: 1, offline: 1 });
    await windows().end(window.id, 'token:olga', panel.now());
    expect(await look(minutes(70))).toMatchObject({ offline: 1, maintenance: 0 });
  });

  test('what was last known holds while the database is away, and without our schema there is none', async () => {
    await plan(hours(2));
    await look(minutes(1));
    await world.database.pool.query('alter table task_worker.maintenance_windows rename to away');
    panel.changeNode(node, { state: 'down' });
    expect(await look(minutes(1))).toMatchObject({ maintenance: 1, began: 0 });
    await world.database.pool.query('drop schema task_worker cascade');
    // The panel has said for long that it is down.
    expect(await look(minutes(1))).toMatchObject({ maintenance: 0, offline: 1, began: 1 });
  });

  test.each([
    { what: 'over before it begins', to: -1 },
    { what: 'that ends before its beginning', to: hours(1), from: hours(2) },
    { what: 'of more than 30 days', to: days(31) },
  ])('one $what is refused', async ({ from, to }) => {
    await expect(plan(to, from)).rejects.toThrow(/A maintenance window: /);
  });

  test('asked for twice it is one window', async () => {
    expect(await plan(hours(2))).toMatchObject({ isNew: true });
    expect(await plan(hours(1))).toMatchObject({ isNew: false });
    expect(await windows().list({ node, limit: 10 })).toHaveLength(1);
  });
});
