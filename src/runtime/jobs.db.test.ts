import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { type ProbeTask, probeTask, TestEngine } from '../testing/test-engine.ts';
import { until } from '../testing/until.ts';
import { Jobs } from './jobs.ts';

const by = { source: 'cli', initiatedBy: 'test' } as const;
const nobody = { tell: async () => undefined, leave: async () => undefined };
const task = (name: string, queue: ProbeTask['queue'], watched: boolean) =>
  probeTask({ name, queue: queue!, watched, run: async () => ({}) });

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

test('watched are the jobs of watched tasks, and those that have ended where the whole queue is watched', async () => {
  const tasks = [task('export', 'bulk', true), task('broadcast', 'notifications', true)];
  await using engine = new TestEngine(redis.url, [
    ...tasks,
    task('message', 'notifications', false),
    task('sync', 'sync', false),
  ]);
  const { dispatcher, queues, registry } = engine;
  const jobs = new Jobs(registry, queues, nobody);
  const watched = async () => new Set((await jobs.watched()).map(({ state, task: name }) => `${name} ${state}`));
  for (const { name } of registry.tasks) await dispatcher.dispatchNamed(name, {}, by);
  expect(await watched()).toEqual(new Set(['broadcast waiting', 'export waiting']));
  await engine.start();
  await engine.untilEnded(4);
  await expect.poll(watched).toEqual(new Set(['export completed']));
});

test('a job shows its last outcome: the error while it waits for another attempt, and only the result once it has completed', async () => {
  let attempts = 0;
  const flaky = probeTask({
    name: 'flaky',
    delaysMs: [60_000],
    async run() {
      attempts += 1;
      if (attempts === 1) throw new Error('the first attempt failed');
      return { attempts };
    },
  });
  await using engine = new TestEngine(redis.url, [flaky]);
  const { dispatcher, queues, registry } = engine;
  const jobs = new Jobs(registry, queues, nobody);
  await engine.start();
  const { jobId } = await dispatcher.dispatchNamed('flaky', {}, by);
  const failed = await until('it waits for its retry', async () => {
    const job = await jobs.find(jobId);
    return job?.state === 'delayed' && job.attempts === 1 ? job : undefined;
  });
  expect(failed).toMatchObject({ error: 'the first attempt failed' });
  await (await queues.get('sync').getJob(jobId))!.promote();
  await engine.untilEnded(1);
  const ended = await until('it has completed', async () => {
    const job = await jobs.find(jobId);
    return job?.state === 'completed' ? job : undefined;
  });
  expect(ended).toMatchObject({ attempts: 2, result: { attempts: 2 } });
  expect(ended).not.toHaveProperty('error');
});
