import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { minutes } from '../../lib/duration.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

let panel: PanelSandbox;
let world: TestApp;
beforeAll(async () => {
  panel = await startPanelSandbox({ generation: 2, users: 3 });
  world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await panel.stop();
});
beforeEach(async () => {
  await world.redis.client.flushall();
  await world.database.pool.query('truncate notification_queue cascade');
});

let at = Date.now();
const look = () => {
  at += minutes(1);
  return world.run('check_external_services', {}, { now: new Date(at) });
};
const told = async (): Promise<string[]> => {
  const { rows } = await world.database.pool.query<{ message: string }>(
    `select message from notification_queue where notification_type = 'alert:panel_version' order by created_at`,
  );
  return rows.map(({ message }) => message);
};

test('the first version is noted; an upgrade and the way back are told once each, to all processes', async () => {
  await look();
  expect(await told()).toEqual([]);
  panel.upgrade();
  await look();
  await look();
  expect(await told()).toEqual([expect.stringMatching(/WARNING.*from <b>2\.7\.4<\/b> to <b>3\.3\.2<\/b>.*other ids/s)]);
  expect(await world.app.services.panel.version(AbortSignal.timeout(5_000))).toMatchObject({ generation: 3 });
  panel.restore();
  await look();
  await look();
  expect(await told()).toHaveLength(2);
  expect((await told())[1]).toMatch(/from <b>3\.3\.2<\/b> to <b>2\.7\.4<\/b>/);
});

test('while the panel is away nothing is told, and what came back is', async () => {
  await look();
  panel.faults({ kind: 'error', status: 502 });
  expect(await look()).toMatchObject({ failed: expect.any(Number) });
  panel.upgrade({ version: '3.4.0' });
  panel.faults();
  await look();
  expect(await told()).toEqual([expect.stringContaining('<b>3.4.0</b>')]);
  panel.restore();
});

test('an alert that reached nobody is told by the next look', async () => {
  await look();
  panel.upgrade();
  await world.database.pool.query('alter table notification_queue rename to elsewhere');
  world.telegram.faults({ kind: 'error', status: 500 });
  await look();
  await world.database.pool.query('alter table elsewhere rename to notification_queue');
  world.telegram.faults();
  await look();
  expect(await told()).toHaveLength(1);
  panel.restore();
});
