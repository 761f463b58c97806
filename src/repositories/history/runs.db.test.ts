import { randomUUID } from 'node:crypto';
import { type CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { type TestDatabase, testDatabase } from '../../testing/database.ts';
import { type Database, openDatabase } from '../database.ts';
import { installOwnSchema } from './own-schema.ts';
import { type RunRow, RunRows } from './run-rows.ts';
import { type RunFilter, Runs } from './runs.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');

const NO_ERROR = { error_class: null, error_text: null, error_fingerprint: null } as const;

/** A run that ended so many minutes ago. */
const run = (agoMinutes: number, given: Partial<RunRow> = {}): RunRow => ({
  id: randomUUID(),
  job_id: randomUUID(),
  task: 'send_notification',
  queue: 'notifications',
  outcome: 'success',
  attempt: 1,
  replays: 0,
  queued_at_ms: NOW.getTime() - minutes(agoMinutes) - 100,
  ended_at_ms: NOW.getTime() - minutes(agoMinutes),
  duration_ms: 20,
  waited_ms: 3,
  correlation_id: 'c',
  initiated_by: 'schedule',
  source: 'schedule',
  customer: null,
  payload: '{}',
  payload_digest: null,
  ...NO_ERROR,
  ...given,
});

const failure = (agoMinutes: number, text: string, given: Partial<RunRow> = {}): RunRow =>
  run(agoMinutes, {
    outcome: 'error',
    error_class: 'telegram_timeout',
    error_text: text,
    error_fingerprint: `f-${text.split(' ')[0]}`,
    ...given,
  });

describe('kept runs', () => {
  let platform: TestDatabase;
  let db: Database;
  let rows: RunRows;
  let runs: Runs;
  const ids = { job: randomUUID(), correlation: randomUUID() };
  const kept: RunRow[] = [
    run(1, { customer: '100005', payload: '{"telegram_id":100005}' }),
    failure(2, 'telegram: 50% of chat_1 refused', { customer: '100005', job_id: ids.job, attempt: 2 }),
    failure(3, 'telegram: chat x1 refused', { job_id: ids.job, outcome: 'retry' }),
    failure(4, 'panel: away', { task: 'disable_expired_users', correlation_id: ids.correlation }),
    run(5, {
      job_id: ids.correlation,
      correlation_id: ids.correlation,
      task: 'disable_expired_users',
      duration_ms: 400,
    }),
    run(70, {
      task: 'disable_expired_users',
      outcome: 'cancelled',
      error_class: 'cancelled',
      error_text: 'Job was cancelled',
      error_fingerprint: 'f-c',
    }),
  ];
  beforeAll(async () => {
    platform = await testDatabase();
    db = openDatabase({ url: platform.url, poolSize: 2, onIdleError: () => undefined });
    await installOwnSchema(db);
    rows = new RunRows(db);
    runs = new Runs(db);
    await rows.keepDays(NOW, 30);
    await rows.add(kept);
  });
  afterAll(async () => {
    await db.destroy();
    await platform[Symbol.asyncDispose]();
  });

  const found = async (filter: RunFilter): Promise<number[]> =>
    (await runs.search(filter, { limit: 50 })).runs.map(({ id }) => kept.findIndex((row) => row.id === id));

  test.each<[string, RunFilter, number[]]>([
    ['everything, the newest first', {}, [0, 1, 2, 3, 4, 5]],
    ['a task', { tasks: ['disable_expired_users'] }, [3, 4, 5]],
    ['one of several tasks', { tasks: ['disable_expired_users', 'send_notification'] }, [0, 1, 2, 3, 4, 5]],
    ['a state', { outcomes: ['error'] }, [1, 3]],
    ['a state of a task', { outcomes: ['error', 'retry'], tasks: ['send_notification'] }, [1, 2]],
    ['a time', { from: new Date(NOW.getTime() - minutes(4)), to: new Date(NOW.getTime() - minutes(2)) }, [2, 3]],
    ['a customer by one of the names', { customers: ['nobody', '100005'] }, [0, 1]],
    ['what one job led to, and that job', { correlationId: ids.correlation }, [3, 4]],
    ['a job', { jobId: ids.job }, [1, 2]],
    ['an error of one kind', { fingerprint: 'f-panel:' }, [3]],
    ['a part of the text, in any case', { text: 'CHAT' }, [1, 2]],
    ['signs of a pattern as themselves', { text: '50% of chat_' }, [1]],
    ['a text with another filter', { text: 'refused', customers: ['100005'] }, [1]],
    ['nothing in an empty list', { tasks: [] }, []],
  ])('are found by %s', async (_, filter, expected) => {
    expect(await found(filter)).toEqual(expected);
  });

  test('come page by page, each once', async () => {
    const first = await runs.search({}, { limit: 4 });
    const second = await runs.search({}, { limit: 4, after: first.next });
    expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(kept.map(({ id }) => id));
    expect(second.next).toBeUndefined();
  });

  test('of one job are its attempts with what went wrong', async () => {
    const [second, first] = await runs.ofJob(ids.job);
    expect(first).toMatchObject({ attempt: 1, outcome: 'retry', error: { text: 'telegram: chat x1 refused' } });
    expect(second).toMatchObject({ attempt: 2, outcome: 'error', durationMs: 20 });
    expect(second!.endedAt.getTime() - second!.startedAt.getTime()).toBe(20);
  });

  test('that failed are grouped by kind, the most frequent first', async () => {
    const { groups, lookedAtFrom } = await runs.groups({ outcomes: ['error', 'retry'] }, 10);
    expect(groups.map(({ fingerprint, runs: n, text }) => [fingerprint, n, text])).toEqual([
      ['f-telegram:', 2, 'telegram: 50% of chat_1 refused'],
      ['f-panel:', 1, 'panel: away'],
    ]);
    expect(lookedAtFrom).toBeUndefined();
  });

  test('are summed by task and hour, and tell how long a task takes', async () => {
    const hours = await runs.hours({
      from: new Date('2026-03-01T11:00:00.000Z'),
      to: NOW,
      tasks: ['disable_expired_users'],
    });
    expect(hours).toMatchObject([
      { hour: new Date('2026-03-01T11:00:00.000Z'), succeeded: 1, failed: 1, totalMs: 420, longestMs: 400 },
    ]);
    const [durations] = await runs.durations(['disable_expired_users', 'never_ran'], new Date(0));
    expect(durations).toMatchObject({ task: 'disable_expired_users', runs: 3, p50Ms: 20 });
  });

  test('that come twice are kept and summed once; one that the server cannot keep leaves the others', async () => {
    const more = [run(600), run(601, { correlation_id: 'a\0b' }), run(602)];
    expect(await rows.add(more)).toBe(1);
    expect(await rows.add(more)).toBe(1);
    const from = new Date(NOW.getTime() - minutes(660));
    const to = new Date(NOW.getTime() - minutes(540));
    expect((await runs.search({ from, to }, { limit: 10 })).runs).toHaveLength(2);
    expect((await runs.hours({ from, to })).reduce((sum, hour) => sum + hour.succeeded, 0)).toBe(2);
  });

  test('are found through an index, whatever is asked', async () => {
    await platform.pool.query(`
      insert into task_worker.runs (id, job_id, task, queue, outcome, attempt, queued_at, ended_at, duration_ms, waited_ms,
             correlation_id, initiated_by, source, customer, error_class, error_text, error_fingerprint)
      select gen_random_uuid(), 'j' || n, 'task_' || n % 37, 'sync', case when n % 50 = 0 then 'error' else 'success' end, 1, now(),
             '2026-02-28'::timestamptz + n * interval '2 s', 5, 1, 'k' || n, 'schedule', 'schedule',
             case when n % 10 = 0 then (100000 + n % 3000)::text end,
             case when n % 50 = 0 then 'code' end, case when n % 50 = 0 then 'text ' || n end, case when n % 50 = 0 then 'f' || n % 7 end
        from generate_series(1, 60000) as n`);
    await platform.pool.query('analyze task_worker.runs');
    const asked: RunFilter[] = [
      ...[
        {},
        { tasks: ['task_3'] },
        { outcomes: ['error'] as const },
        { tasks: ['task_3'], outcomes: ['error'] as const },
      ],
      ...[
        { customers: ['100010'] },
        { correlationId: 'k7' },
        { jobId: 'j7' },
        { fingerprint: 'f3' },
        { text: 'needle' },
      ],
    ];
    for (const filter of asked)
      expect(await plan(filter), JSON.stringify(filter)).not.toContain('Seq Scan on runs_202602');
  });

  /** The plan of a search, with rows enough that reading a whole day would be dearer than its index. */
  async function plan(filter: RunFilter): Promise<string> {
    const statements: CompiledQuery[] = [];
    const dialect = new PostgresDialect({ pool: platform.pool });
    const spied: Database = new Kysely({ dialect, log: ({ query }) => void statements.push(query) });
    await new Runs(spied).search(filter, { limit: 50 });
    const { rows: lines } = await platform.pool.query(`explain ${statements[0]!.sql}`, [...statements[0]!.parameters]);
    return lines.map((line) => line['QUERY PLAN']).join('\n');
  }
});
