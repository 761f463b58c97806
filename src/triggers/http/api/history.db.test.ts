import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../../lib/duration.ts';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { RunRows } from '../../../repositories/history/run-rows.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { commandHere } from '../../../testing/world/command-here.ts';

describe('history over HTTP and on the command line', () => {
  let http: HttpWorld;
  const now = new Date();
  beforeAll(async () => {
    http = await httpWorld();
  });
  afterAll(() => http[Symbol.asyncDispose]());
  beforeEach(() => http.world.database.pool.query('drop schema if exists task_worker cascade'));

  const get = async (url: string) => {
    const reply = await http.call('GET', url);
    return { status: reply.statusCode, body: reply.json() };
  };

  /** Three jobs that failed for the same reason, one of them after a retry, and one that went well. */
  async function past(): Promise<void> {
    const { database } = http.world.app;
    await installOwnSchema(database);
    const rows = new RunRows(database);
    await rows.keepDays(now, 30);
    const run = (n: number, jobId: string, outcome: 'error' | 'retry' | 'success') => ({
      id: `0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b1${n}`,
      job_id: jobId,
      task: 'sync_user_stats',
      queue: 'sync',
      outcome,
      attempt: 1,
      replays: 0,
      queued_at_ms: now.getTime() - minutes(n),
      ended_at_ms: now.getTime() - minutes(n),
      duration_ms: 5,
      waited_ms: 1,
      correlation_id: jobId,
      initiated_by: 'schedule',
      source: 'schedule',
      customer: n === 1 ? '100005' : null,
      payload: '{"x":1}',
      payload_digest: null,
      error_class: outcome === 'success' ? null : 'away',
      error_text: outcome === 'success' ? null : `panel: no answer ${n}`,
      error_fingerprint: outcome === 'success' ? null : '00000000000000aa',
    });
    await rows.add([
      run(1, 'a', 'error'),
      run(2, 'b', 'error'),
      run(3, 'b', 'retry'),
      run(4, 'c', 'error'),
      run(5, 'd', 'success'),
    ]);
  }

  test.each([
    ...[
      '/runs',
      '/runs/groups',
      '/runs/sums',
      '/runs/jobs',
      '/jobs/x/runs',
      '/incidents',
      '/alerts/history',
      '/nodes/days',
    ],
  ])('%s says what to run while history is not kept', async (path) => {
    const { body, status } = await get(`/api/v1${path}`);
    expect(status).toBe(409);
    expect(body.detail).toBe(
      'History is not kept here. Run `task-worker schema install` to keep it from then on; no restart is needed.',
    );
    expect((await http.context.history!.missing())!.ru).toContain('История здесь не хранится');
  });

  test('runs are searched, paged, grouped and summed, and a job shows its attempts', async () => {
    await past();
    const first = await get('/api/v1/runs?state=error,retry&limit=2');
    expect(first.body.runs.map((run: { job_id: string }) => run.job_id)).toEqual(['a', 'b']);
    expect(first.body.runs[0]).toMatchObject({ state: 'error', customer: '100005', error: { code: 'away' } });
    expect(first.body.runs[0]).not.toHaveProperty('payload');
    const second = await get(`/api/v1/runs?state=error,retry&limit=2&after=${first.body.next}`);
    expect(second.body.runs.map((run: { job_id: string }) => run.job_id)).toEqual(['b', 'c']);
    expect(second.body).not.toHaveProperty('next');
    expect((await get('/api/v1/runs?text=ANSWER%202')).body.runs).toHaveLength(1);
    expect((await get('/api/v1/runs?customer=x,100005')).body.runs).toHaveLength(1);
    expect((await get('/api/v1/runs/groups')).body.groups).toMatchObject([
      { error: '00000000000000aa', runs: 4, tasks: ['sync_user_stats'], text: 'panel: no answer 1', job_id: 'a' },
    ]);
    const sums = await get('/api/v1/runs/sums');
    expect(sums.body.hours.reduce((sum: number, { failed }: { failed: number }) => sum + failed, 0)).toBe(3);
    expect(sums.body.durations).toMatchObject([{ task: 'sync_user_stats', runs: 5, p50_ms: 5 }]);
    expect((await get('/api/v1/jobs/b/runs')).body.runs).toMatchObject([
      { state: 'error', payload: { x: 1 } },
      { state: 'retry' },
    ]);
  });

  test.each([...['state=lost', 'error=x', 'after=1', 'from=yesterday', 'limit=0', 'task=', 'unknown=1']])(
    'a filter %s is refused',
    async (query) => {
      await past();
      expect((await get(`/api/v1/runs?${query}`)).status).toBe(400);
    },
  );

  test('an act on all that is found asks for the count that was shown, and is a job of its own', async () => {
    await past();
    expect((await get('/api/v1/runs/jobs?state=error')).body).toEqual({ jobs: 3, more: false });
    const act = (expected: number) =>
      http.call('POST', '/api/v1/runs/jobs/replay', { payload: { expected, filter: { state: 'error' } } });
    const moved = await act(200);
    expect(moved.statusCode).toBe(409);
    expect(moved.json().detail).toContain('finds 3 jobs by now, not 200');
    const begun = await act(3);
    expect(begun.statusCode).toBe(202);
    expect(begun.json()).toMatchObject({ jobs: 3 });
    const job = await http.world.app.queues.get('bulk').getJob(begun.json().job_id);
    expect(job!.data).toMatchObject({
      initiatedBy: 'token:olga',
      payload: { act: 'replay', job_ids: ['a', 'b', 'c'] },
    });
    const { rows } = await http.world.database.pool.query(
      `select new_value from audit_logs where action = 'jobs.replay'`,
    );
    expect(rows).toMatchObject([{ new_value: { by: 'token:olga', jobs: 3 } }]);
  });

  test('the command line finds and does the same', async () => {
    const run = (...words: string[]) => commandHere(['runs', ...words], http.world.env);
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining('History is not kept here.') });
    await past();
    expect((await run('--task', 'sync_user_stats', '--state', 'retry')).stdout).toMatch(/retry .* b .*no answer 3/);
    expect((await run('groups')).stdout).toMatch(/^4 .*00000000000000aa .*no answer 1$/m);
    expect(JSON.parse((await run('show', 'b', '--json')).stdout)).toHaveLength(2);
    expect((await run('replay', '--state', 'error')).stdout).toContain('again with --expected 3');
    expect(await run('replay', '--state', 'error', '--expected', '99')).toMatchObject({ code: 1 });
    expect((await run('replay', '--state', 'error', '--expected', '3')).stdout).toMatch(/^3 jobs, by the job /);
    expect(await run('list', '--state', 'lost')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--state'),
    });
    expect(await run('burn')).toMatchObject({ code: 64 });
  });
});
