import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { probeTask } from '../testing/test-engine.ts';
import { loadTasks, TaskRegistry } from './registry.ts';

const run = async () => ({});

describe('the registry', () => {
  test('finds every task file, each named after its path', async () => {
    const { tasks } = await loadTasks();
    expect(tasks.map((task) => `${task.queue}/${task.name}`)).toContain('notifications/process_notification_queue');
  });

  test('knows a task by its aliases, one of which may say part of the payload', () => {
    const aliases = ['old_name', { name: 'bulk_disable', payload: { operation: 'disable' } }];
    const registry = new TaskRegistry([probeTask({ name: 'bulk', aliases, run })]);
    expect(registry.get('old_name')).toMatchObject({ task: { name: 'bulk' }, preset: {} });
    expect(registry.get('bulk_disable').preset).toEqual({ operation: 'disable' });
    expect(registry.find('nothing')).toBeUndefined();
  });

  test('suggests the nearest name for one that it does not have', () => {
    const registry = new TaskRegistry([probeTask({ name: 'send_notification', run })]);
    expect(() => registry.get('send_notifications')).toThrow(
      "There is no task named 'send_notifications'. Did you mean send_notification?",
    );
  });

  test('stops the start where two tasks share a name', () => {
    const tasks = [probeTask({ name: 'a', aliases: ['b'], run }), probeTask({ name: 'b', run })];
    expect(() => new TaskRegistry(tasks)).toThrow("Two tasks answer to 'b': a and b");
  });

  test('stops the start where a scheduled task needs a payload', () => {
    const task = { ...probeTask({ name: 'a', schedule: { everyMs: 1 }, run }), payload: z.object({ id: z.string() }) };
    expect(() => new TaskRegistry([task])).toThrow('a has a schedule, so its payload must accept {}');
  });

  test('stops the start where a pattern has too few fields, which would run far too often', () => {
    expect(() => new TaskRegistry([probeTask({ name: 'a', schedule: { cron: '0 2 * *' }, run })])).toThrow(
      /^The schedule of a is neither an interval .* nor a cron pattern .*'0 2 \* \*'$/,
    );
  });

  test('stops the start where a folder is no queue: its tasks would never run', async () => {
    const root = await mkdtemp(join(tmpdir(), 'tasks-'));
    await mkdir(join(root, 'marketing'));
    try {
      await expect(loadTasks(pathToFileURL(`${root}/`))).rejects.toThrow(
        /^src\/tasks\/marketing\/ is no queue; use notifications, /,
      );
    } finally {
      await rm(root, { recursive: true });
    }
  });

  test('stops the start where positional arguments name a field that does not exist', () => {
    expect(() => new TaskRegistry([probeTask({ name: 'a', args: ['typo'], run })])).toThrow(
      'a names payload fields that do not exist: typo',
    );
  });
});
