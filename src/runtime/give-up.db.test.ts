import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seconds } from '../lib/duration.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { type ProbeTask, probeTask, TestEngine } from '../testing/test-engine.ts';
import { CancelledError } from './outcome.ts';

const by = { source: 'cli', initiatedBy: 'test' } as const;
const AFTER_MS = 300;

describe('work that hangs', () => {
  let redis: TestRedis;
  let engine: TestEngine;
  const leave = Promise.withResolvers<void>();
  beforeAll(async () => {
    redis = await testRedis();
  });
  afterAll(async () => {
    leave.resolve();
    await redis[Symbol.asyncDispose]();
  });
  beforeEach(() => redis.client.flushall());
  afterEach(() => engine[Symbol.asyncDispose]());

  function engineWith(giveUpAfterMs: number, ...tasks: ProbeTask[]): TestEngine {
    engine = new TestEngine(redis.url, tasks.map(probeTask));
    engine.giveUpAfterMs = giveUpAfterMs;
    return engine;
  }
  /** A handler that hears nothing. */
  const deaf = (name: string, more: Partial<ProbeTask> = {}): ProbeTask & { begun: Promise<AbortSignal> } => {
    const { promise, resolve } = Promise.withResolvers<AbortSignal>();
    const run: ProbeTask['run'] = async (_, { signal }) => {
      resolve(signal);
      await leave.promise;
      return {};
    };
    return { name, exhausted: 'log', begun: promise, run, ...more };
  };
  const givenUp = async (): Promise<unknown[]> => {
    const metrics = await engine.metrics.registry.getMetricsAsJSON();
    const series = metrics.find(({ name }) => name === 'cybervpn_tasks_given_up_total') as
      | { values: { labels: object; value: number }[] }
      | undefined;
    return series!.values.map(({ labels, value }) => ({ ...labels, value }));
  };

  test.each(['none', seconds(60)] as const)(
    'cancelled in vain, with the time limit %s: it is given up, told and counted, and its place is free',
    async (timeLimitMs) => {
      const hanging = deaf('hanging', { timeLimitMs });
      engineWith(AFTER_MS, hanging, { name: 'next', run: async () => ({}) });
      const runner = await engine.start(1);
      const { jobId } = await engine.dispatcher.dispatchNamed('hanging', {}, by);
      await hanging.begun;
      runner.cancel(jobId, new CancelledError(jobId));
      expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'given_up' }]);
      expect(engine.alerts).toMatchObject([{ task: 'hanging', code: 'given_up' }]);
      expect(engine.alerts[0]!.error).toContain('cancelled');
      expect(await givenUp()).toEqual([{ task_name: 'hanging', why: 'deaf', value: 1 }]);
      await engine.dispatcher.dispatchNamed('next', {}, by);
      expect((await engine.untilEnded(2))[1]).toMatchObject({ ok: true, task: 'next' });
    },
  );

  test('silent without a time limit: its signal fires, it is given up, told and counted', async () => {
    const hanging = deaf('hanging', { timeLimitMs: 'none' });
    engineWith(AFTER_MS, hanging);
    await engine.start(1);
    await engine.dispatcher.dispatchNamed('hanging', {}, by);
    const signal = await hanging.begun;
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'given_up' }]);
    expect(signal.aborted).toBe(true);
    expect(engine.alerts).toMatchObject([{ task: 'hanging', code: 'given_up' }]);
    expect(await givenUp()).toEqual([{ task_name: 'hanging', why: 'silent', value: 1 }]);
  });

  test('work that says that it moves, and work with a time limit of its own, is left alone', async () => {
    const loops = 20;
    const step = () => new Promise((resolve) => setTimeout(resolve, AFTER_MS / 5));
    engineWith(
      AFTER_MS,
      {
        name: 'moving',
        timeLimitMs: 'none',
        async run(_, { alive }) {
          for (let i = 0; i < loops; i += 1) {
            alive();
            await step();
          }
          return {};
        },
      },
      {
        name: 'limited',
        timeLimitMs: seconds(60),
        async run() {
          for (let i = 0; i < loops; i += 1) await step();
          return {};
        },
      },
    );
    await engine.start(2);
    await engine.dispatcher.dispatchNamed('moving', {}, by);
    await engine.dispatcher.dispatchNamed('limited', {}, by);
    expect(await engine.untilEnded(2)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await givenUp()).toEqual([]);
  });

  test('a run that is deaf to its end does not hold up the shutdown, however long the others may take', async () => {
    const hanging = deaf('hanging', { timeLimitMs: 'none' });
    engineWith(seconds(60), hanging);
    const runner = await engine.start(1);
    const { jobId } = await engine.dispatcher.dispatchNamed('hanging', {}, by);
    await hanging.begun;
    runner.cancel(jobId, new CancelledError(jobId));
    const startedAt = performance.now();
    await runner.stop(seconds(120));
    expect(performance.now() - startedAt).toBeLessThan(seconds(30));
  });
});
