import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SnoozeError } from '../lib/errors.ts';
import { installOwnSchema } from '../repositories/history/own-schema.ts';
import { keys } from '../repositories/redis/keys.ts';
import { sorted, WITHOUT_PAUSES } from '../testing/aged-rows.ts';
import { type MassCase, type MassWorld, massCases, massWorld } from '../testing/mass-effects.ts';
import { parseCsv } from '../testing/rfc4180.ts';
import { GENERATIONS } from '../testing/subscription-world.ts';
import { until } from '../testing/until.ts';
import { BOOKKEEPING, worldState } from '../testing/world-state.ts';
import { loadTasks, type TaskRegistry } from './registry.ts';

type DryRun = {
  dry_run: true;
  task: string;
  would_touch: number;
  effects: Record<string, number>;
  counts: Record<string, number>;
  sample: { effect: string; subject: string }[];
  list: { export_id: string; rows: number; bytes: number };
};

const lineOf = ({ effect, subject }: { effect: string; subject: string }): string => `${effect} ${subject}`;

/** The lines of the list's file. */
async function listOf({ world }: MassWorld, { list }: DryRun): Promise<string[]> {
  const [head, ...rows] = parseCsv(await readFile(join(world.app.env.EXPORT_DIR!, `${list.export_id}.csv`), 'utf8'));
  expect(head).toEqual(['effect', 'subject', 'id', 'detail']);
  expect(rows).toHaveLength(list.rows);
  return rows.map(([effect, subject]) => `${effect} ${subject}`);
}

/** The receipt of all its runs. */
async function receiptOf({ world }: MassWorld, task: string): Promise<string[]> {
  const { rows } = await world.app.database.pool.query<{ effect: string; subject: string; is_done: boolean }>(
    `select effect, subject, done_at is not null as is_done
       from task_worker.receipt_lines join task_worker.receipts on id = receipt where task = $1`,
    [task],
  );
  return rows.filter(({ is_done: isDone }) => isDone).map(lineOf);
}

/** Whether an act stands in the receipt: clean-up has none, a planned broadcast has its page, and another task tells of resets. */
const hasLine = (task: string, line: string): boolean =>
  !/^(archive|cleanup|invalidate)_|^send_broadcast/.test(task) &&
  !/^(already|fail|leave) /.test(line) &&
  !(task === 'reset_monthly_traffic' && line.startsWith('tell '));

/** Runs the task as far as it acts: what is only waited for afterwards, such as a delivery, is not its effect. */
async function really({ world }: MassWorld, { task }: MassCase, payload: object): Promise<void> {
  for (let look = 1; look <= 3; look += 1) {
    try {
      await world.app.run(task, payload, { now: world.panel.now(), jobId: 'really', services: WITHOUT_PAUSES });
      return;
    } catch (error) {
      if (!(error instanceof SnoozeError)) throw error;
      if (task === 'reset_monthly_traffic')
        await until('the panel has reset', () => world.panel.user('anna')?.usedTrafficBytes === 0);
    }
  }
}

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  describe.each(massCases().map((one, i) => ({ task: one.task, i })))('the dry run of $task (case $i)', ({ i }) => {
    let mass: MassWorld;
    beforeAll(async () => {
      mass = await massWorld(generation);
    });
    afterAll(() => mass[Symbol.asyncDispose]());

    test('writes nothing, and lists what the run then does', async () => {
      const one = massCases()[i]!;
      const payload = (await one.prepare(mass)) ?? {};
      const { app, panel } = mass.world;
      const state = async () =>
        Object.fromEntries(Object.entries(await worldState(app)).filter(([name]) => !BOOKKEEPING.test(name)));
      const before = await state();
      const actsBefore = mass.acts();
      const dry = (await app.run(one.task, { ...payload, dry_run: true }, { now: panel.now() })) as DryRun;
      expect(await state()).toEqual(before);
      expect(mass.acts()).toBe(actsBefore);
      await app.app.parts.foundation.taskOutcomes.flush();
      for (const key of [keys.lastSuccess(), keys.lastRuns()])
        expect(await app.redis.client.hget(key, one.task), key).toBeNull();

      const listed = await listOf(mass, dry);
      expect(listed.length).toBeGreaterThan(0);
      expect(dry).toMatchObject({ dry_run: true, task: one.task, sample: dry.sample.slice(0, 20) });
      expect(dry.sample.map(lineOf)).toEqual(listed.slice(0, 20));
      expect(Object.values(dry.effects).reduce((sum, count) => sum + count, 0)).toBe(listed.length);

      await installOwnSchema(app.app.parts.foundation.database);
      await really(mass, one, payload);
      const done = await one.done(mass);
      expect(sorted(done)).toEqual(sorted(listed));
      expect(sorted(await receiptOf(mass, one.task))).toEqual(sorted(done.filter((line) => hasLine(one.task, line))));

      const again = (await app.run(one.task, { ...payload, dry_run: true }, { now: panel.now() })) as DryRun;
      if (!isRepeatable(one.task)) expect(await listOf(mass, again)).toEqual([]);
    });
  });
});

/** An operation or a message that somebody asks for again is a new one. */
const isRepeatable = (task: string): boolean => /bulk|broadcast|act_on_jobs|undo/.test(task);

describe('the registry', () => {
  let registry: TaskRegistry;
  beforeAll(async () => {
    registry = await loadTasks();
  });

  test('has a case here for every mass task', () => {
    const mass = registry.tasks.filter(({ mass }) => mass).map(({ name }) => name);
    expect(sorted(new Set(massCases().map(({ task }) => task)))).toEqual(sorted(mass));
  });

  test('says every effect in both languages', () => {
    for (const { effects } of registry.tasks.flatMap(({ mass }) => mass ?? []))
      for (const effect of Object.values(effects))
        expect(effect).toMatchObject({ en: expect.stringMatching(/[a-z]/), ru: expect.stringMatching(/[а-я]/) });
  });
});
