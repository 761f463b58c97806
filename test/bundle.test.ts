import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bundled } from '../bench/harness/bundled.ts';
import { minutes } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { spawnMain } from '../src/testing/world/command.ts';
import { queueMany } from '../src/testing/world/notifications.ts';
import { RoleProcess, type SpawnTaskWorker } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

let bundled: Bundled;
let world: World;
beforeAll(async () => {
  [world, bundled] = await Promise.all([World.start(), Bundled.make()]);
}, minutes(2));
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await bundled?.[Symbol.asyncDispose]();
});

const spawnBundle: SpawnTaskWorker = (args, env) => bundled.spawn(args, env);

/** A place in the client of the panel, as the last words of a line of a stack. */
const PLACE = /\(?(?:file:\/\/)?\/\S*\/src\/clients\/\S+\.ts:\d+:\d+\)?$/m;

describe.each([
  ['the sources of a checkout', spawnMain],
  ['the bundle of an image', spawnBundle],
] as const)('%s', (_, spawnTaskWorker) => {
  const start = async (role: 'worker' | 'scheduler', env: Record<string, string>): Promise<RoleProcess> =>
    await RoleProcess.start(role, { ...world.env, ...env }, undefined, spawnTaskWorker);

  test('run a worker of two processes and a scheduler: a message is delivered, a stack tells places in .ts files', async () => {
    const every = { SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s' };
    await using worker = await start('worker', { ...every, WORKER_CONCURRENCY: '2' });
    await using scheduler = await start('scheduler', every);
    const before = world.telegram.stats().total;
    await queueMany(world.pool, { count: 3 });
    await until('all are delivered', () => world.telegram.stats().total === before + 3);

    // There is no panel in this world.
    await world.dispatch('sync_node_configs');
    const { err } = await worker.untilLogged((line) => PLACE.test(stackOf(line)));
    expect(stackOf({ err })).not.toMatch(/chunks\//);

    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect(await scheduler.stop()).toEqual({ code: 0, signal: null });
    expect([...worker.output, ...scheduler.output].filter((line) => /Warning|Cannot find/.test(line))).toEqual([]);
  });
});

test('the bundle has the pages of the console and its files', async () => {
  const token = 'a-token-of-the-bundle';
  const env = { ...world.env, API_TOKENS: `olga:${token}` };
  await using worker = await RoleProcess.start('worker', env, undefined, spawnBundle);
  const page = await fetch(`${worker.httpUrl}/`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/html' },
  });
  const text = await page.text();
  expect(page.status, text.slice(0, 500)).toBe(200);
  const style = /\/assets\/console\.[0-9a-f]+\.css/.exec(text)![0];
  expect((await fetch(`${worker.httpUrl}${style}`)).headers.get('content-type')).toMatch(/^text\/css/);
});

test('a scheduler and a supervisor have no code of a task, but of those that a producer asks for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'task-worker-loaded-'));
  const env = {
    ...world.env,
    SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
    WORKER_CONCURRENCY: '2',
    NODE_OPTIONS: `--import=${new URL('../tools/house/note-loaded.ts', import.meta.url).href}`,
    LOADED_IN: folder,
  };
  const tasksIn = async (process: string): Promise<string[]> => {
    const loaded = (await readFile(join(folder, process), 'utf8')).split('\n');
    return [...new Set(loaded.flatMap((url) => url.split('/bundle/tasks/')[1]?.split('.js')[0] ?? []))];
  };
  await using worker = await RoleProcess.start('worker', env, undefined, spawnBundle);
  await using scheduler = await RoleProcess.start('scheduler', env, undefined, spawnBundle);
  const before = world.telegram.stats().total;
  await queueMany(world.pool, { count: 3 });
  await until('a schedule has come due and all are delivered', () => world.telegram.stats().total === before + 3);
  expect(await tasksIn('scheduler')).toEqual([]);
  expect(await tasksIn('worker')).toEqual([]);
  expect((await tasksIn('worker-process')).length).toBeGreaterThan(40);

  const message = { task_id: randomUUID(), task_name: 'send_notification', labels: {}, args: [] };
  const body = JSON.stringify({ ...message, kwargs: { telegram_id: '4242', message: 'from a producer' } });
  await world.redisClient.xadd('taskiq', '*', 'data', body);
  await until('the message is delivered', () => world.telegram.stats().total === before + 4);
  expect(await tasksIn('worker')).toEqual(['notifications/send-notification']);
  await Promise.all([worker.stop(), scheduler.stop()]);
  await rm(folder, { recursive: true });
});

const stackOf = ({ err }: Readonly<Record<string, unknown>>): string =>
  String((err as { stack?: unknown } | undefined)?.stack ?? '');
