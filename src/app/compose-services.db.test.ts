import { afterAll, beforeAll, expect, test } from 'vitest';
import { dryRunName } from '../runtime/dry-run.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

let world: TestApp;
beforeAll(async () => {
  world = await testApp();
});
afterAll(() => world[Symbol.asyncDispose]());

test('every service is needed by a task: what only doors and roles use is a part of the app', () => {
  const { registry, services } = world.app;
  const dryRuns = registry.tasks.flatMap(({ name }) => registry.find(dryRunName(name))?.task ?? []);
  const needed = new Set<string>([...registry.tasks, ...dryRuns].flatMap(({ needs }) => needs));
  expect(Object.keys(services).filter((name) => !needed.has(name))).toEqual([]);
});
