/** The stream's entries as the real backend, the Python worker and its scheduler write them, at our door. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Log } from '../../observability/log.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { startIntake } from './intake.ts';

type Message = { task_id: string; task_name: string; labels: Record<string, unknown>; kwargs: Record<string, unknown> };

const record = async (file: string) =>
  JSON.parse(await readFile(new URL(`../../../test/originals/taskiq/${file}`, import.meta.url), 'utf8'));
const { entries } = (await record('backend-entries.json')) as { entries: string[][] };
const { called, scheduled, tasks } = (await record('entries.json')) as {
  called: string[][];
  scheduled: string[][];
  tasks: Record<string, Record<string, string>>;
};
const FORWARD = 'taskiq-python';
const messageOf = ([, data]: string[]): Message => JSON.parse(data!) as Message;

/** The tasks that stay with the Python worker, as docs/migration.md says. */
const THEIRS =
  /^(audit_helix_|.*growth_|process_messaging_outbox|process_partner_bot|process_stage1|reconcile_|publish_public|unfreeze_|queue_support|cleanup_old_records)/;

let world: TestApp;
beforeAll(async () => {
  world = await testApp(async () => ({ TASKIQ_FORWARD_STREAM: FORWARD }));
});
afterAll(() => world[Symbol.asyncDispose]());

const isKnown = (name: string): boolean => world.app.registry.find(name) !== undefined;

describe.each([
  ['the backend', entries],
  ['.kiq() of the Python worker', called],
  ['its scheduler', scheduled],
])('entries of %s', (_, written) => {
  test('each becomes a job with all that it says, or goes on unchanged; dead is only what cannot be run', async () => {
    const { client } = world.redis;
    await client.del('taskiq', FORWARD, keys.taskiqDead());
    const warnings: object[] = [];
    const log: Log = { ...world.app.log, warn: (fields) => warnings.push(fields) };
    await using _ = stopping(startIntake({ ...world.app, log })!);
    for (const fields of written) await client.xadd('taskiq', '*', ...fields);
    await until('all are read', async () => {
      const [group] = (await client.xinfo('GROUPS', 'taskiq').catch(() => [])) as (string | number)[][];
      const at = (name: string) => group?.[group.indexOf(name) + 1];
      return group && at('pending') === 0 && at('lag') === 0;
    });
    const forwarded = (await client.xrange(FORWARD, '-', '+')).map(([, fields]) => fields);
    expect(forwarded).toEqual(written.filter((fields) => !isKnown(messageOf(fields).task_name)));
    const known = written.map(messageOf).filter((one) => isKnown(one.task_name));
    // The Python worker fails over these each time; here they are dead with a reason.
    const impossible = known.filter(({ kwargs }) => kwargs.payment_id === 'no uuid');
    expect(await world.app.deadEntries.count()).toBe(impossible.length);
    for (const { kwargs, task_id: id, task_name: name } of known.filter((one) => !impossible.includes(one))) {
      const job = await world.app.queues.get(world.app.registry.get(name).task.queue).getJob(id);
      expect(job, `${name} ${JSON.stringify(warnings)}`).toBeDefined();
      expect(Object.keys(job!.data.payload).length, name).toBeGreaterThanOrEqual(Object.keys(kwargs).length);
    }
  });
});

test('every task of the Python worker is known here, or is one of those that stay with it', () => {
  const strangers = Object.keys(tasks).filter((name) => !isKnown(name));
  expect(strangers.filter((name) => !THEIRS.test(name))).toEqual([]);
  const periodic = Object.entries(tasks).filter(([, { schedule }]) => schedule);
  expect(periodic).toHaveLength(42);
  expect(periodic.filter(([name]) => !isKnown(name))).toHaveLength(16);
});

const stopping = (intake: { stop(): Promise<void> }) => ({ [Symbol.asyncDispose]: () => intake.stop() });
