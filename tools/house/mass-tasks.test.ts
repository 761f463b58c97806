import { expect, test } from 'vitest';
import { loadTasks } from '../../src/runtime/registry.ts';
import { idleExceptions, unsaidMassTasks } from './mass-tasks.ts';

test('every task that acts on many says so by its type', async () => {
  const { tasks } = await loadTasks();
  expect(unsaidMassTasks(tasks)).toEqual([]);
  expect(idleExceptions(tasks)).toEqual([]);
});

test('a task that forgets it is found', () => {
  expect(unsaidMassTasks([{ name: 'disable_all', needs: ['brake', 'settings'] }])).toEqual([
    expect.stringContaining('disable_all needs brake'),
  ]);
});
