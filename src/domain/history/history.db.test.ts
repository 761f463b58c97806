import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { installOwnSchema, ownSchemaState } from '../../repositories/history/own-schema.ts';
import { RunRows } from '../../repositories/history/run-rows.ts';
import { CancelledError } from '../../runtime/outcome.ts';
import { lastAttempt } from '../../testing/last-attempt.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { silentLog } from '../../testing/test-engine.ts';
import { until } from '../../testing/until.ts';
import { RunRecorder } from './run-recorder.ts';

describe('the history of runs', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => world.database.pool.query('drop schema if exists task_worker cascade'));

  const success = { run: lastAttempt(), outcome: 'success', durationMs: 1, error: undefined } as const;

  /** A recorder as the application has it, that looks for the schema more often. */
  function recorder(onDropped: (runs: number) => void = () => undefined): RunRecorder {
    const { database } = world.app;
    return new RunRecorder({
      rows: new RunRows(database),
      look: () => ownSchemaState(database),
      clock: () => new Date(),
      keptDays: 30,
      mask: (text) => text.replaceAll('hush-hush', '***'),
      log: silentLog,
      lookEveryMs: 20,
      onDropped,
    });
  }

  const count = async (): Promise<number> =>
    Number((await world.database.pool.query('select count(*) from task_worker.runs')).rows[0].count);

  test('keeps every attempt of a task that runs through the onion, without its secrets, and no snooze', async () => {
    await installOwnSchema(world.app.database);
    await world.run('cleanup_expired_tokens', {}, { jobId: 'clean' });
    await expect(
      world.run('send_otp_email', { email: 'a@example.org', otp_code: '123456' }, { jobId: 'mail', attempt: 2 }),
    ).rejects.toThrow();
    const { runs } = world.app.parts;
    const [failed] = await until('both are kept', async () => {
      const found = [...(await runs.ofJob('mail')), ...(await runs.ofJob('clean'))];
      return found.length === 2 && found;
    });
    const [cleaned] = await runs.ofJob('clean');
    expect(cleaned).toMatchObject({
      task: 'cleanup_expired_tokens',
      outcome: 'success',
      payload: {},
      error: undefined,
    });
    expect(failed).toMatchObject({
      attempt: 2,
      customer: 'a@example.org',
      payload: { email: 'a@example.org', otp_code: '•••' },
      queue: 'email',
    });
    expect(failed!.error!.fingerprint).toMatch(/^[\da-f]{16}$/);
    const { rows } = await world.database.pool.query(`select string_agg(runs::text, '') as all from task_worker.runs`);
    expect(rows[0].all).not.toContain('123456');
  });

  test('is not kept without the schema, and is noticed soon after it was installed, without a restart', async () => {
    await using recording = recorder();
    recording.note(success);
    await until('it has looked', async () => {
      await installOwnSchema(world.app.database);
      recording.note(success);
      return (await count()) > 0;
    });
  });

  test('goes on after the schema was dropped and made again', async () => {
    await installOwnSchema(world.app.database);
    await using recording = recorder();
    recording.note(success);
    await until('the first is kept', async () => (await count()) === 1);
    await world.database.pool.query('drop schema task_worker cascade');
    recording.note(success);
    await installOwnSchema(world.app.database);
    await until('another is kept', async () => {
      recording.note(success);
      return (await count()) > 0;
    });
  });

  test('that the database does not take delays nobody: what has no room is dropped and counted, the rest is kept', async () => {
    await installOwnSchema(world.app.database);
    let dropped = 0;
    await using recording = recorder((runs) => {
      dropped += runs;
    });
    recording.note(success);
    await until('the first is kept', async () => (await count()) === 1);
    const blocking = await world.database.pool.connect();
    await blocking.query('begin; lock table task_worker.runs in access exclusive mode');
    const startedAt = performance.now();
    for (let n = 0; n < 6_000; n += 1) recording.note(success);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(dropped).toBe(1_000);
    // A task runs meanwhile as ever: its history waits.
    await world.run('cleanup_expired_tokens', {});
    await blocking.query('commit');
    blocking.release();
    await until('what had room is kept', async () => (await count()) >= 5_001);
  });

  test('has what waited when the process ends', async () => {
    await installOwnSchema(world.app.database);
    {
      await using recording = recorder();
      for (let n = 0; n < 700; n += 1) recording.note(success);
    }
    expect(await count()).toBe(700);
  });

  test('keeps odd runs: hostile text, a secret in an error, a huge payload, a cancellation', async () => {
    await installOwnSchema(world.app.database);
    const odd = (changes: { payload?: object; error?: Error; jobId?: string }) => {
      const run = lastAttempt();
      const data = { ...run.job.data, payload: { ...changes.payload } };
      const context = { ...run.context, jobId: changes.jobId ?? '1' };
      return { run: { ...run, context, job: { ...run.job, data } }, durationMs: 1, error: changes.error };
    };
    {
      await using recording = recorder();
      recording.note({ ...odd({ jobId: 'a\0\ud800', payload: { text: '\0\ud800"\\' } }), outcome: 'success' });
      recording.note({
        ...odd({ error: new Error(`bad token hush-hush ${'x'.repeat(9_000)}`), jobId: 'b' }),
        outcome: 'error',
      });
      recording.note({
        ...odd({ payload: { user_uuids: Array.from({ length: 5_000 }, String) }, jobId: 'c' }),
        outcome: 'success',
      });
      recording.note({ ...odd({ error: new CancelledError('d'), jobId: 'd' }), outcome: 'cancelled' });
    }
    const { runs } = world.app.parts;
    expect(await runs.ofJob('a\u{FFFD}\u{FFFD}')).toMatchObject([{ payload: { text: '\0\ud800"\\' } }]);
    const [failed] = await runs.ofJob('b');
    expect(failed!.error!.text).toMatch(/^bad token \*\*\* x+$/);
    expect(failed!.error!.text).toHaveLength(1_000);
    expect(await runs.ofJob('c')).toMatchObject([
      { payload: undefined, payloadDigest: expect.stringMatching(/^[\da-f]{64}$/) },
    ]);
    expect(await runs.ofJob('d')).toMatchObject([{ outcome: 'cancelled', error: { code: 'cancelled' } }]);
  });
});
