import { glob } from 'node:fs/promises';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../src/lib/duration.ts';
import { loadTasks } from '../src/runtime/registry.ts';
import { until } from '../src/testing/until.ts';
import { metricValue, scrape } from '../src/testing/world/metrics.ts';
import { World } from '../src/testing/world/world.ts';

describe('schedules', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ seed: true, panel: { users: 20, nodes: 3 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('every schedule registered in code fires when the shipped scheduler and worker commands run', async () => {
    const { tasks } = await loadTasks();
    const scheduled = tasks.filter((task) => task.schedule).map((task) => task.name);
    const everySecond = Object.fromEntries(scheduled.map((name) => [`SCHEDULE_${name.toUpperCase()}`, '1s']));
    await using worker = await world.startWorker(everySecond);
    await using _scheduler = await world.startScheduler(everySecond);

    let silent = scheduled;
    await until(
      'each scheduled task has run',
      async () => {
        const text = await scrape(worker.httpUrl);
        silent = scheduled.filter((name) => metricValue(text, 'taskiq_task_total', { task_name: name }) === 0);
        return silent.length === 0;
      },
      seconds(60),
    ).catch(() => undefined);
    expect(silent).toEqual([]);
  });

  test('a task that is not registered cannot exist: every task file is in the list of tasks', async () => {
    const files: string[] = [];
    for await (const file of glob('src/tasks/*/*.ts')) if (!file.endsWith('.test.ts')) files.push(file);
    const { code, stdout } = await world.command(['tasks', '--json']);

    expect(code).toBe(0);
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(files.map((file) => basename(file, '.ts').replaceAll('-', '_'))));
    expect(names).toHaveLength(files.length);
  });
});
