import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis } from '../../repositories/redis/connection.ts';
import { Runner } from '../../runtime/runner.ts';
import { addTokens, idsOf } from '../../testing/aged-rows.ts';
import { type ConsoleWorld, consoleWorld } from '../../testing/console-world.ts';
import { parseCsv } from '../../testing/rfc4180.ts';
import { until } from '../../testing/until.ts';
import { commandHere } from '../../testing/world/command-here.ts';
import { startIntake } from './intake.ts';

const TASK = 'cleanup_expired_tokens';

type JobBody = { state: string; task: string; result: { would_touch: number; list: { export_id: string } } };

describe('a dry run through the doors', () => {
  let console: ConsoleWorld;
  let dead: string[];
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    console = stack.use(await consoleWorld());
    const { app, database, redis } = console.world;
    dead = await addTokens(database.pool, [{ expires: '2020-01-01' }, { expires: '2021-01-01' }]);
    await addTokens(database.pool, [{ expires: '2999-01-01' }]);
    const connection = connectRedis({ url: redis.url, name: 'test', whenDown: 'wait', onError: () => undefined });
    stack.defer(() => connection.disconnect());
    const runner = new Runner({
      ...app,
      connection,
      middleware: app.middleware(async () => undefined),
      concurrency: 4,
      resultTtlSeconds: 60,
      clock: () => new Date(),
    });
    stack.defer(() => runner.stop(0));
    await runner.ready();
  });
  afterAll(() => stack.disposeAsync());

  const ended = (id: string): Promise<JobBody> =>
    until('the dry run has ended', async () => {
      const body = (await console.call('GET', `/api/v1/jobs/${id}`)).json<JobBody>();
      return body.state === 'completed' && body;
    });
  const listOf = async (exportId: string): Promise<string[][]> =>
    parseCsv((await console.call('GET', `/api/v1/exports/${exportId}`)).body).slice(1);
  const nothingDeleted = async (): Promise<void> =>
    expect(await idsOf(console.world.database.pool, 'refresh_tokens')).toHaveLength(3);

  test('HTTP API: the job says what the run would do, and the list is an audited download', async () => {
    const answer = await console.call('POST', `/api/v1/tasks/${TASK}`, { payload: { dry_run: true } });
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({ task: `${TASK}_dry_run` });
    const { result } = await ended(answer.json<{ job_id: string }>().job_id);
    expect(result.would_touch).toBe(2);
    const list = await listOf(result.list.export_id);
    expect(new Set(list.map(([, id]) => id))).toEqual(new Set(dead));
    await nothingDeleted();
    const { rows } = await console.world.database.pool.query(
      `select entity_id from audit_logs where action = 'export.downloaded'`,
    );
    expect(rows).toEqual([{ entity_id: result.list.export_id }]);
  });

  test.each([
    ['en', 'Dry run', 'Nothing was changed. A run would act on 2.', 'delete the row'],
    ['ru', 'Пробный запуск', 'Ничего не изменено. Запуск затронет: 2.', 'удалить строку'],
  ])(
    'console, in %s: a second button, no question, and the job shows counts, sample and link',
    async (locale, button, total, effect) => {
      const headers = { 'accept-language': locale };
      expect((await console.open(`/tasks/${TASK}`, { headers })).body).toContain(
        `<button class="plain" name="dry_run" value="on" aria-label="${button}: ${TASK}">${button}</button>`,
      );
      const begun = await console.submit(`/tasks/${TASK}`, { _deed: 'run', dry_run: 'on' }, { headers, plain: true });
      const page = begun.headers.location as string;
      expect(page).toMatch(/^\/jobs\//);
      await ended(page.slice('/jobs/'.length).split('?')[0]!);
      const { body } = await console.open(page, { headers });
      expect(body).toContain(total);
      expect(body).toContain(effect);
      expect(body).toMatch(/href="\/api\/v1\/exports\/[\w-]+" download/);
      for (const id of dead) expect(body).toContain(id);
      await nothingDeleted();
    },
  );

  test('console: a task without a mass effect has no such button', async () => {
    expect((await console.open('/tasks/sync_node_configs')).body).not.toContain('name="dry_run"');
  });

  test('console: the bulk form has it, and asks no question', async () => {
    expect((await console.open('/bulk/new')).body).toContain('name="dry_run"');
    const fields = { _deed: 'start', operation: 'delete', user_uuids: 'a b', dry_run: 'on' };
    const begun = await console.submit('/bulk/new', fields, { plain: true });
    expect(begun.headers.location).toMatch(/^\/jobs\//);
  });

  test('command line: run and dispatch take --dry-run', async () => {
    const { env } = console.world;
    const ran = await commandHere(['run', TASK, '--dry-run', '--json'], env);
    expect(JSON.parse(ran.stdout)).toMatchObject({ dry_run: true, would_touch: 2, effects: { delete: 2 } });
    const sent = await commandHere(['dispatch', TASK, '--dry-run', '--json'], env);
    const { job_id: id, task } = JSON.parse(sent.stdout) as { job_id: string; task: string };
    expect(task).toBe(`${TASK}_dry_run`);
    expect((await ended(id)).result.would_touch).toBe(2);
    await nothingDeleted();
  });

  test.each([
    ['a kwarg', { kwargs: { dry_run: true }, labels: {} }],
    ['a label', { kwargs: {}, labels: { dry_run: 'True' } }],
  ])('TaskIQ: %s', async (_name, sent) => {
    const { app, redis } = console.world;
    const intake = startIntake(app)!;
    await using _ = { [Symbol.asyncDispose]: () => intake.stop() };
    const id = crypto.randomUUID();
    await redis.client.xadd(
      'taskiq',
      ...['*', 'data', JSON.stringify({ task_id: id, task_name: TASK, args: [], ...sent })],
    );
    const body = await ended(id);
    expect(body).toMatchObject({ task: `${TASK}_dry_run`, result: { would_touch: 2 } });
    await nothingDeleted();
  });

  test('a task that has no dry run is not run instead, at any door', async () => {
    const refused = await console.call('POST', '/api/v1/tasks/sync_user_stats', { payload: { dry_run: true } });
    expect(refused.statusCode).toBe(400);
    expect(refused.body).toContain('this one has no dry run');
    const { dispatcher } = console.world.app;
    const asked = { source: 'taskiq', initiatedBy: 'taskiq' } as const;
    await expect(dispatcher.dispatchNamed('sync_user_stats', { dry_run: true }, asked)).rejects.toThrow('no dry run');
    expect(await console.world.app.queues.get('sync').getJobCounts('completed', 'waiting', 'active')).toEqual({
      ...{ completed: 0, waiting: 0, active: 0 },
    });
  });
});
