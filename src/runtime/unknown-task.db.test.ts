import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours } from '../lib/duration.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { probeTask, TestEngine } from '../testing/test-engine.ts';
import { DeadJobs } from './dead-jobs.ts';
import type { JobData } from './job-data.ts';

const DATA: JobData = {
  payload: { n: 1 },
  correlationId: 'c',
  initiatedBy: 'test',
  source: 'taskiq',
  taskiq: { taskId: 'asked', labels: {} },
};

describe('a job of a task that this version does not have', () => {
  let redis: TestRedis;
  let engine: TestEngine;
  beforeAll(async () => {
    redis = await testRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(() => redis.client.flushall());
  afterEach(() => engine[Symbol.asyncDispose]());

  const known = probeTask({ name: 'known', run: async () => ({}) });
  const started = async (...names: string[]): Promise<TestEngine> => {
    const tasks = names.map((name) => probeTask({ name, run: async ({ n }) => ({ n }) }));
    engine = new TestEngine(redis.url, [known, ...tasks]);
    await engine.start();
    return engine;
  };
  const add = (jobId: string, data: JobData) =>
    engine.queues.get('sync').add('newer', data, { jobId, attempts: 6, backoff: { type: 'policy' } });
  const find = async (jobId: string) => (await engine.queues.get('sync').getJob(jobId))!;
  /** As if a worker had first taken it that long ago. */
  const firstTakenAgo = async (jobId: string, ms: number): Promise<void> => {
    await (await find(jobId)).updateData({ ...DATA, unknownSinceMs: Date.now() - ms });
    await redis.client.hset(engine.queues.get('sync').toKey(jobId), 'ats', 3);
  };

  test('goes back to its queue with all its attempts, and a version that has it runs it', async () => {
    await started();
    await add('early', DATA);
    await expect.poll(async () => (await find('early')).getState()).toBe('delayed');
    expect(await find('early')).toMatchObject({ attemptsMade: 0 });
    expect(engine.alerts).toEqual([]);
    expect(engine.ended).toEqual([]);
    await engine[Symbol.asyncDispose]();

    await started('newer');
    await (await find('early')).promote();
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: true, jobId: 'early', result: { n: 1 } }]);
  });

  test('that no version took for an hour dies loudly: alert, dead letter, metric, and a result for its producer', async () => {
    engine = new TestEngine(redis.url, [known]);
    await add('late', DATA);
    await firstTakenAgo('late', hours(1));
    await engine.start();
    const [ended] = await engine.untilEnded(1);
    expect(ended).toMatchObject({ ok: false, code: 'unknown_task', job: { data: { taskiq: DATA.taskiq } } });
    expect(engine.alerts).toMatchObject([{ task: 'newer', code: 'unknown_task', jobId: 'late' }]);
    const dead = new DeadJobs(engine.queues, redis.client);
    await expect.poll(async () => (await dead.list(5))[0]?.reason).toContain("no task named 'newer'");
    expect(await engine.metrics.registry.metrics()).toContain('taskiq_tasks_total{task_name="newer",status="error"} 1');

    expect(await dead.replay('late')).toBe(true);
    await expect.poll(async () => (await find('late')).getState()).toBe('delayed');
    expect(engine.alerts).toHaveLength(1);
  });
});
