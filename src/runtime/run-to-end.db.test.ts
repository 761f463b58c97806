import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hours } from '../lib/duration.ts';
import { PermanentError, SnoozeError } from '../lib/errors.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { probeTask, TestEngine } from '../testing/test-engine.ts';
import type { AnyTask, RunContext } from './define-task.ts';
import { runToEnd, UnfinishedError } from './run-to-end.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

/** A task that counts what it has done; `run` gets the number of the run, from 1. */
function counting(run: (n: number, context: RunContext, payload: object) => Promise<number>): AnyTask {
  let runs = 0;
  const task = probeTask({
    name: 'piecemeal',
    async run(payload, context) {
      runs += 1;
      return { done: await run(runs, context, payload) };
    },
  });
  return { ...task, counts: { done: 'Things done' } };
}

const NOW_MS = Date.UTC(2031, 4, 5);

async function runHere(task: AnyTask, signal = new AbortController().signal) {
  await using engine = new TestEngine(redis.url, [task]);
  const { dispatcher, log, registry } = engine;
  const said: string[] = [];
  const clock = (): Date => new Date(NOW_MS);
  const options = { clock, dispatcher, log, registry, services: {}, middleware: [], initiatedBy: 'cli', signal };
  const ended = await runToEnd('piecemeal', { n: 1 }, { ...options, progress: (line) => said.push(line) }).then(
    (ran) => ({ ...ran, error: undefined }),
    (error: unknown) => ({ error: error as Error, result: undefined, elsewhere: undefined }),
  );
  const waiting = await engine.queues.get('sync').getJobCounts('wait', 'delayed');
  return { ...ended, said, waiting };
}

describe('a task that is run here', () => {
  test('and put off is run again as the same job until it is done', async () => {
    const jobs = new Set<string>();
    const times = new Set<number>();
    const task = counting(async (n, { enqueuedAt, jobId, now }) => {
      jobs.add(`${jobId} ${enqueuedAt.getTime()}`);
      times.add(now.getTime());
      if (n < 3) throw new SnoozeError(`piecemeal: ${3 - n} left`, { delayMs: 1 });
      return 7;
    });
    const { result, said } = await runHere(task);
    expect(result).toEqual({ done: 7 });
    expect(said).toEqual(['piecemeal: 2 left; goes on in 1 s', 'piecemeal: 1 left; goes on in 1 s']);
    expect(jobs.size).toBe(1);
    // By the clock that it is given, not by that of the machine.
    expect([...times]).toEqual([NOW_MS]);
  });

  test('and leaves work for its next run goes on with that, adds up the counts, and gives no job to a worker', async () => {
    const payloads: object[] = [];
    const task = counting(async (n, { again }, payload) => {
      payloads.push(payload);
      if (n < 3) await again({ payload: { n: n + 1 } });
      return 500;
    });
    const { elsewhere, result, said, waiting } = await runHere(task);
    expect(result).toEqual({ done: 1_500 });
    expect(payloads).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(said).toEqual(['piecemeal: done 500 so far; goes on', 'piecemeal: done 1,000 so far; goes on']);
    expect({ elsewhere, waiting }).toEqual({ elsewhere: undefined, waiting: { wait: 0, delayed: 0 } });
  });

  test('and leaves a job of its own for later says which, and where', async () => {
    const task = counting(async (_n, { again }) => {
      await again({ slot: 5, delayMs: hours(1) });
      return 1;
    });
    const { elsewhere, result, waiting } = await runHere(task);
    expect(result).toEqual({ done: 1 });
    expect(elsewhere).toMatch(/^piecemeal goes on as job [\w-]+ in queue sync: a worker takes it in 3600 s$/);
    expect(waiting).toEqual({ wait: 0, delayed: 1 });
  });

  test('and stopped while it waits, or within a run, says what is left and that nobody goes on', async () => {
    const controller = new AbortController();
    const reason = new PermanentError('interrupted', 'Stopped: SIGINT');
    const waits = counting(async () => {
      setImmediate(() => controller.abort(reason));
      throw new SnoozeError('piecemeal: 3 left', { delayMs: hours(1) });
    });
    const { error } = await runHere(waits, controller.signal);
    expect(error).toBeInstanceOf(UnfinishedError);
    expect(error!.message).toBe(
      'Stopped: SIGINT. piecemeal is not done (piecemeal: 3 left), and nobody goes on with it: run it again, or give it to a worker with `task-worker dispatch piecemeal`.',
    );
    const within = counting(async (_n, { signal }) => {
      signal.throwIfAborted();
      return 1;
    });
    expect((await runHere(within, controller.signal)).error!.message).toContain('(stopped in the middle of a run)');
  });

  test('and fails throws its error, also after it was put off', async () => {
    const task = counting(async (n) => {
      if (n === 1) throw new SnoozeError('later', { delayMs: 0 });
      throw new Error('broken');
    });
    expect((await runHere(task)).error).toMatchObject({ message: 'broken' });
  });
});
