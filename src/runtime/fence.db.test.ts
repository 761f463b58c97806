import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seconds } from '../lib/duration.ts';
import { PermanentError, SnoozeError } from '../lib/errors.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { type ProbeTask, probeTask, TestEngine } from '../testing/test-engine.ts';
import type { JobData } from './job-data.ts';
import { LostLockError } from './outcome.ts';

const by = { source: 'cli', initiatedBy: 'test' } as const;
const taskiq: JobData['taskiq'] = { taskId: 'asked', labels: {} };

/** The ends that a run can have which has lost its job meanwhile. The second run of each job succeeds. */
const ENDS: readonly { name: string; isAsked?: boolean; end: () => Promise<object> }[] = [
  {
    name: 'out_of_retries',
    end: async () => {
      throw new Error('no luck');
    },
  },
  {
    name: 'permanent',
    isAsked: true,
    end: async () => {
      throw new PermanentError('refused', 'the other side said no');
    },
  },
  { name: 'success_for_a_producer', isAsked: true, end: async () => ({ run: 1 }) },
  {
    name: 'snoozed',
    end: async () => {
      throw new SnoozeError('later', { delayMs: 1 });
    },
  },
];

describe('the end of a run', () => {
  let redis: TestRedis;
  let engine: TestEngine;
  beforeAll(async () => {
    redis = await testRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(() => redis.client.flushall());
  afterEach(() => engine[Symbol.asyncDispose]());

  const lockOf = (jobId: string): string => `cybervpn:jobs:{sync}:${jobId}:lock`;

  test('that lost its lock is nothing to anybody: the run that has the job then tells its own, once', async () => {
    const exhausted: string[] = [];
    const gate = Promise.withResolvers<void>();
    const begun = new Map<string, number>();
    const probe = ({ end, name }: (typeof ENDS)[number]): ProbeTask => ({
      name,
      onExhausted: async () => void exhausted.push(name),
      async run() {
        const run = (begun.get(name) ?? 0) + 1;
        begun.set(name, run);
        if (run > 1) return { run };
        await gate.promise;
        return { ...(await end()) };
      },
    });
    engine = new TestEngine(
      redis.url,
      ENDS.map((one) => probeTask(probe(one))),
    );
    await engine.start(ENDS.length);
    const ids = await Promise.all(
      ENDS.map(async ({ isAsked, name }) => {
        const { jobId } = await engine.dispatcher.dispatchNamed(name, {}, { ...by, ...(isAsked && { taskiq }) });
        return jobId;
      }),
    );
    await expect.poll(() => begun.size).toBe(ENDS.length);
    // As after a freeze: the locks have run out, and the stalled check has not come yet.
    await redis.client.del(...ids.map(lockOf));
    gate.resolve();

    await engine.untilEnded(ENDS.length);
    await expect
      .poll(() => engine.queues.get('sync').getJobCounts('active', 'failed'))
      .toEqual({ active: 0, failed: 0 });
    expect(new Set(engine.ended.map(({ jobId }) => jobId))).toEqual(new Set(ids));
    expect(engine.ended).toHaveLength(ids.length);
    expect(engine.ended.every((ended) => ended.ok && ended.result.run === 2)).toBe(true);
    expect(engine.alerts).toEqual([]);
    expect(exhausted).toEqual([]);
  });

  test('is asked for where a handler tells something final, and cancelled or not, a run without its lock is stopped there', async () => {
    const told: string[] = [];
    const caught: unknown[] = [];
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    engine = new TestEngine(redis.url, [
      probeTask({
        name: 'telling',
        async run(_, { confirmHeld, signal }) {
          if (caught.length > 0) return {};
          await confirmHeld();
          told.push('held');
          started.resolve();
          await gate.promise;
          try {
            await confirmHeld();
            told.push('not held');
          } catch (error) {
            caught.push(error, signal.reason);
            throw error;
          }
          return {};
        },
      }),
    ]);
    const runner = await engine.start();
    const { jobId } = await engine.dispatcher.dispatchNamed('telling', {}, by);
    await started.promise;
    expect(await redis.client.pttl(lockOf(jobId))).toBeGreaterThan(seconds(5));
    // Another worker has the job already.
    await redis.client.set(lockOf(jobId), 'another');
    const cancelled = new PermanentError('cancelled', 'somebody cancelled it');
    runner.cancel(jobId, cancelled);
    gate.resolve();
    await expect.poll(() => caught).toEqual([expect.any(LostLockError), cancelled]);
    expect(await redis.client.get(lockOf(jobId))).toBe('another');
    expect(told).toEqual(['held']);
    expect(engine.ended).toEqual([]);
    expect(engine.alerts).toEqual([]);
  });
});
