import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, seconds } from '../lib/duration.ts';
import { PermanentError, SnoozeError } from '../lib/errors.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { type ProbeTask, probeTask, RESULTS_KEPT_MS, TestEngine } from '../testing/test-engine.ts';
import { until } from '../testing/until.ts';
import { DeadJobs } from './dead-jobs.ts';

const by = { source: 'cli', initiatedBy: 'test' } as const;

describe('a job', () => {
  let redis: TestRedis;
  let engine: TestEngine;
  beforeAll(async () => {
    redis = await testRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(() => redis.client.flushall());
  afterEach(() => engine[Symbol.asyncDispose]());

  const engineWith = (...tasks: ProbeTask[]): TestEngine => {
    engine = new TestEngine(redis.url, tasks.map(probeTask));
    return engine;
  };

  test('runs with its payload and its result is kept', async () => {
    const { dispatcher, queues } = engineWith({ name: 'double', run: async ({ n }) => ({ twice: Number(n) * 2 }) });
    await engine.start();
    const { jobId } = await dispatcher.dispatchNamed('double', { n: 21 }, by);
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: true, jobId, result: { twice: 42 } }]);
    await expect.poll(async () => (await queues.get('sync').getJob(jobId))?.returnvalue).toEqual({ twice: 42 });
  });

  test('that fails is retried after its delays, and out of retries it alerts once and is a dead letter that can be replayed', async () => {
    const attempts: number[] = [];
    let works = false;
    const { dispatcher, queues } = engineWith({
      name: 'shaky',
      delaysMs: [20, 40],
      async run(_, { attempt }) {
        attempts.push(attempt);
        if (!works) throw new Error('no luck');
        return {};
      },
    });
    await engine.start();
    const { jobId } = await dispatcher.dispatchNamed('shaky', {}, by);
    await engine.untilEnded(1);
    expect(attempts).toEqual([1, 2, 3]);
    expect(engine.alerts).toMatchObject([{ task: 'shaky', jobId, attempts: 3, error: 'no luck' }]);

    const dead = new DeadJobs(queues, redis.client);
    await expect.poll(() => dead.list(10)).toMatchObject([{ id: jobId, task: 'shaky', reason: 'no luck' }]);
    works = true;
    expect(await dead.replay(jobId)).toBe(true);
    await engine.untilEnded(2);
    expect(attempts).toEqual([1, 2, 3, 1]);
    expect(await dead.replay(jobId)).toBe(false);
  });

  test('that is put back by many at once is put back by one of them, and counted once, as often as it dies', async () => {
    const { dispatcher, queues } = engineWith({
      name: 'doomed',
      async run() {
        throw new PermanentError('no_use', 'no use');
      },
    });
    const { jobId } = await dispatcher.dispatchNamed('doomed', {}, by);
    const queue = queues.get('sync');
    for (let round = 1; round <= 5; round += 1) {
      const runner = await engine.start();
      await until('it is a dead letter', async () => (await queue.getFailedCount()) === 1);
      await runner.stop(seconds(1));
      const calls = Array.from({ length: 5 }, (_, i) => [undefined, `act-${round}-${i}`]).flat();
      const put = await Promise.all(calls.map((act) => new DeadJobs(queues, redis.client).replay(jobId, act)));
      expect(put.filter(Boolean)).toHaveLength(1);
      expect((await queue.getJob(jobId))?.data.replays).toBe(round);
      expect(await queue.getWaitingCount()).toBe(1);
    }
  });

  test('is counted by the act that has put it back and is asked again, and by no other one', async () => {
    const { dispatcher, queues } = engineWith({
      name: 'doomed',
      async run() {
        throw new PermanentError('no_use', 'no use');
      },
    });
    const runner = await engine.start();
    const { jobId } = await dispatcher.dispatchNamed('doomed', {}, by);
    const queue = queues.get('sync');
    await until('it is a dead letter', async () => (await queue.getFailedCount()) === 1);
    await runner.stop(seconds(1));
    const dead = new DeadJobs(queues, redis.client);
    expect(await dead.replay(jobId, 'act-1')).toBe(true);
    expect(await dead.replay(jobId, 'act-1')).toBe(true);
    expect(await dead.replay(jobId, 'act-2')).toBe(false);
    expect(await dead.replay(jobId)).toBe(false);
    expect((await queue.getJob(jobId))?.data.replays).toBe(1);
    expect(await queue.getWaitingCount()).toBe(1);
  });

  test('is forgotten once its result is too old, as a dead letter after 30 days, and at once where the next run makes its failure good', async () => {
    const { dispatcher, queues } = engineWith({
      name: 'either',
      async run({ fails }) {
        if (fails) throw new PermanentError('no_use', 'no use');
        return {};
      },
    });
    await engine.start();
    const queue = queues.get('sync');
    let ended = 0;
    const run = async (payload: object, options: { keepFailed?: boolean } = {}): Promise<string> => {
      const { jobId } = await dispatcher.dispatchNamed('either', payload, { ...by, ...options });
      ended += 1;
      await engine.untilEnded(ended);
      await expect.poll(() => queue.getActiveCount()).toBe(0);
      return jobId;
    };
    const isKept = async (jobId: string): Promise<boolean> => (await queue.getJob(jobId)) !== undefined;
    const age = (jobId: string, state: 'completed' | 'failed', ms: number) =>
      redis.client.zadd(queue.toKey(state), Date.now() - ms, jobId);

    const [oldResult, newResult] = [await run({}), await run({})];
    const [oldDead, newDead] = [await run({ fails: true }), await run({ fails: true })];
    await age(oldResult, 'completed', RESULTS_KEPT_MS + seconds(1));
    await age(newResult, 'completed', RESULTS_KEPT_MS - seconds(30));
    await age(oldDead, 'failed', days(30) + seconds(1));
    await age(newDead, 'failed', days(29));
    const [lastResult, lastDead, unkept] = [
      await run({}),
      await run({ fails: true }),
      await run({ fails: true }, { keepFailed: false }),
    ];

    const all = [oldResult, newResult, lastResult, oldDead, newDead, lastDead, unkept];
    expect(await Promise.all(all.map(isKept))).toEqual([false, true, true, false, true, true, false]);
  });

  test('is forgotten where many complete together, too', async () => {
    const { dispatcher, queues } = engineWith({ name: 'quick', run: async () => ({}) });
    await engine.start();
    const queue = queues.get('sync');
    const { jobId } = await dispatcher.dispatchNamed('quick', {}, by);
    await engine.untilEnded(1);
    await expect.poll(() => queue.getActiveCount()).toBe(0);
    await redis.client.zadd(queue.toKey('completed'), Date.now() - RESULTS_KEPT_MS - seconds(1), jobId);
    await Promise.all(Array.from({ length: 70 }, () => dispatcher.dispatchNamed('quick', {}, by)));
    await engine.untilEnded(71);
    expect(await queue.getJob(jobId)).toBeUndefined();
  });

  test('waits for a retry without holding a place', async () => {
    const order: string[] = [];
    const { dispatcher } = engineWith(
      {
        name: 'first',
        delaysMs: [300],
        async run(_, { attempt }) {
          order.push(`first ${attempt}`);
          if (attempt === 1) throw new Error('again');
          return {};
        },
      },
      { name: 'second', run: async () => ({ n: order.push('second') }) },
    );
    await engine.start(1);
    await dispatcher.dispatchNamed('first', {}, by);
    await expect.poll(() => order).toEqual(['first 1']);
    await dispatcher.dispatchNamed('second', {}, by);
    await engine.untilEnded(2);
    expect(order).toEqual(['first 1', 'second', 'first 2']);
  });

  test('that can never work is not retried', async () => {
    let runs = 0;
    const { dispatcher } = engineWith({
      name: 'refused',
      delaysMs: [10, 10],
      async run() {
        runs += 1;
        throw new PermanentError('refused', 'the other side said no');
      },
    });
    await engine.start();
    await dispatcher.dispatchNamed('refused', {}, by);
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'refused' }]);
    expect(runs).toBe(1);
  });

  test('that snoozes runs again later without using an attempt', async () => {
    const attempts: number[] = [];
    const { dispatcher } = engineWith({
      name: 'sleepy',
      async run(_, { attempt }) {
        attempts.push(attempt);
        if (attempts.length < 4) throw new SnoozeError('not yet', { delayMs: attempts.length === 2 ? 0 : 15 });
        return {};
      },
    });
    await engine.start();
    await dispatcher.dispatchNamed('sleepy', {}, by);
    await engine.untilEnded(1);
    expect(attempts).toEqual([1, 1, 1, 1]);
    expect(engine.alerts).toEqual([]);
  });

  test.each([
    ['that Redis refuses', Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' })],
    ['that gets no answer', Object.assign(new Error('Command timed out'), { name: 'Error' })],
    ['without a connection', Object.assign(new Error('Reached the max retries per request limit'), { name: 'Error' })],
  ])('of one attempt uses none where its cancellation is asked for by a question %s', async (_, away) => {
    const attempts: number[] = [];
    const { dispatcher } = engineWith({
      name: 'asked',
      async run(_payload, { attempt }) {
        attempts.push(attempt);
        if (attempts.length === 1) throw new SnoozeError('more is due', { delayMs: 0 });
        return {};
      },
    });
    let isAway = true;
    await engine.start(4, async () => {
      if (!isAway) return false;
      isAway = false;
      throw away;
    });
    const { jobId } = await dispatcher.dispatchNamed('asked', {}, by);
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: true, jobId }]);
    expect(attempts).toEqual([1, 1]);
    expect(engine.alerts).toEqual([]);
  });

  test('past its time limit ends: its signal fires and the attempt counts as failed', async () => {
    let reason: unknown;
    const { dispatcher } = engineWith({
      name: 'endless',
      timeLimitMs: 50,
      run: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            reject(new Error('aborted call'));
          });
        }),
    });
    await engine.start();
    await dispatcher.dispatchNamed('endless', {}, by);
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'time_limit' }]);
    expect(reason).toMatchObject({ code: 'time_limit' });
  });

  test('goes back to its queue at shutdown and another worker finishes it, with no attempt used', async () => {
    const attempts: number[] = [];
    let finish = false;
    const { dispatcher } = engineWith({
      name: 'long',
      async run(_, { attempt, signal }) {
        attempts.push(attempt);
        if (!finish)
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        return {};
      },
    });
    const first = await engine.start();
    await dispatcher.dispatchNamed('long', {}, by);
    await expect.poll(() => attempts.length).toBe(1);
    finish = true;
    await first.stop(0);
    await engine.start();
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: true }]);
    expect(attempts).toEqual([1, 1]);
  });

  test('that is on its way to a worker when that is stopped is handed back too, and an end on its way to Redis arrives', async () => {
    const { dispatcher, queues } = engineWith(
      {
        name: 'first',
        async run() {
          // The end of this job, with which the worker takes the next one, comes to Redis after longer than a deaf run has.
          await redis.client.client('PAUSE', seconds(2.5), 'WRITE');
          return {};
        },
      },
      {
        name: 'next',
        run: (_, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
    );
    const first = await dispatcher.dispatchNamed('first', {}, by);
    const next = await dispatcher.dispatchNamed('next', {}, by);
    const runner = await engine.start(1);
    await engine.untilEnded(1);
    await until('the run is over', () => runner.running.length === 0);
    await runner.stop(seconds(3));
    const queue = queues.get('sync');
    expect(await queue.getJobState(first.jobId)).toBe('completed');
    expect(await queue.getJobState(next.jobId)).toBe('waiting');
    expect(await queue.getActiveCount()).toBe(0);
  });

  test('under a unique key is not added while one waits or runs, and one kept for afterwards runs right after it', async () => {
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    const { dispatcher } = engineWith({
      name: 'alone',
      async run() {
        runs += 1;
        if (runs === 1) await gate.promise;
        return {};
      },
    });
    const unique = { ...by, uniqueKey: 'alone' };
    const first = await dispatcher.dispatchNamed('alone', {}, unique);
    expect((await dispatcher.dispatchNamed('alone', {}, unique)).jobId).toBe(first.jobId);
    await engine.start();
    await expect.poll(() => runs).toBe(1);
    await dispatcher.dispatchNamed('alone', {}, unique);
    await dispatcher.dispatchNamed('alone', {}, { ...unique, afterActive: true });
    await dispatcher.dispatchNamed('alone', {}, { ...unique, afterActive: true });
    gate.resolve();
    await engine.untilEnded(2);
    await expect
      .poll(async () => await engine.queues.get('sync').getJobCounts('wait', 'active', 'delayed'))
      .toEqual({ wait: 0, active: 0, delayed: 0 });
    expect(runs).toBe(2);
  });

  test('enqueues itself once for right afterwards, with its payload, and apart for a slot of its own', async () => {
    const seen: unknown[] = [];
    const { dispatcher, queues } = engineWith({
      name: 'piecemeal',
      async run(payload, { again, attempt, correlationId, initiatedBy, task }) {
        seen.push({ ...payload, attempt, correlationId, initiatedBy, task: task.name });
        if (seen.length > 1) return {};
        await again();
        await again();
        await again({ payload: { n: 2 }, slot: 'later', delayMs: seconds(60) });
        await again({ payload: { n: 3 }, slot: 'later', delayMs: seconds(60) });
        return {};
      },
    });
    await engine.start();
    await dispatcher.dispatchNamed('piecemeal', { n: 1 }, { ...by, correlationId: 'c', unique: true });
    await engine.untilEnded(2);
    const same = { n: 1, attempt: 1, correlationId: 'c', task: 'piecemeal' };
    expect(seen).toEqual([
      { ...same, initiatedBy: 'test' },
      { ...same, initiatedBy: 'piecemeal' },
    ]);
    const apart = await queues.get('sync').getJobs(['delayed']);
    expect(apart.map(({ data, deduplicationId }) => [data.payload, deduplicationId])).toEqual([
      [{ n: 2 }, 'piecemeal:later'],
    ]);
    expect(await queues.get('sync').getJobCounts('wait', 'active')).toEqual({ wait: 0, active: 0 });
  });

  test('of a queue with a long-running task gets a quarter of the slots', async () => {
    const started: string[] = [];
    const gate = Promise.withResolvers<void>();
    const probe = (name: string, rest: Partial<ProbeTask>): ProbeTask => ({
      name,
      async run() {
        started.push(name);
        await gate.promise;
        return {};
      },
      ...rest,
    });
    const { dispatcher } = engineWith(
      probe('hours', { queue: 'bulk', longRunning: true }),
      probe('moment', { queue: 'bulk' }),
      probe('other', {}),
    );
    for (const name of ['hours', 'moment', 'other', 'other', 'other']) await dispatcher.dispatchNamed(name, {}, by);
    await engine.start(4);
    await expect.poll(() => started.length).toBe(4);
    expect(started.filter((name) => name !== 'other')).toEqual(['hours']);
    gate.resolve();
    await engine.untilEnded(5);
  });

  test('is cancelled where it runs', async () => {
    const started = Promise.withResolvers<void>();
    const { dispatcher } = engineWith({
      name: 'busy',
      delaysMs: [10],
      run: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          started.resolve();
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });
    const runner = await engine.start();
    const { jobId } = await dispatcher.dispatchNamed('busy', {}, by);
    await started.promise;
    expect(await engine.queues.get('sync').getActiveCount()).toBe(1);
    runner.cancel(jobId, new PermanentError('cancelled', 'an admin cancelled it'));
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'cancelled' }]);
    expect(engine.alerts).toEqual([]);
  });

  test('that was cancelled while it waited ends with its next run, also where its handler wants yet another', async () => {
    let runs = 0;
    const { dispatcher } = engineWith({
      name: 'stubborn',
      run: async () => {
        runs += 1;
        throw new SnoozeError('not yet', { delayMs: 1 });
      },
    });
    // The word is left once, between the first run and the second.
    const left = ['once'];
    await engine.start(4, async () => left.pop() !== undefined);
    await dispatcher.dispatchNamed('stubborn', {}, by);
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'cancelled' }]);
    expect(runs).toBe(2);
    expect(engine.alerts).toEqual([]);
  });

  test('that was started 10 times without an outcome is a dead letter with an alert', async () => {
    let runs = 0;
    const { dispatcher, queues } = engineWith({
      name: 'killer',
      exhausted: 'next-run',
      run: async () => ({ n: runs++ }),
    });
    const { jobId } = await dispatcher.dispatchNamed('killer', {}, by);
    await redis.client.hset(`cybervpn:jobs:{sync}:${jobId}`, 'stc', 10);
    await engine.start();
    expect(await engine.untilEnded(1)).toMatchObject([{ ok: false, code: 'poison_job' }]);
    expect(engine.alerts).toMatchObject([{ task: 'killer', code: 'poison_job' }]);
    await expect.poll(() => new DeadJobs(queues, redis.client).count()).toBe(1);
    expect(runs).toBe(0);
  });
});
