/** The intake against the real Python packages: the intake understands their messages, and they understand its results. */
import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { seconds } from '../../../src/lib/duration.ts';
import { PermanentError } from '../../../src/lib/errors.ts';
import { connectRedis } from '../../../src/repositories/redis/connection.ts';
import { testRedis } from '../../../src/testing/redis.ts';
import { takeoverTimes } from '../../../src/triggers/taskiq-stream/consumer-times.ts';
import { Intake } from '../../../src/triggers/taskiq-stream/intake.fixture.ts';
import type { TaskiqMessage } from '../../../src/triggers/taskiq-stream/message.ts';
import { pickle } from '../../../src/triggers/taskiq-stream/pickle.ts';
import { TaskiqResults } from '../../../src/triggers/taskiq-stream/results.ts';
import { taskiqPython } from './python.ts';
import { produce, runScript, startPythonWorker } from './run-script.ts';

const found = await taskiqPython();
const python = 'python' in found ? found.python : '';
const title = 'skipped' in found ? `real Python clients (SKIPPED: ${found.skipped})` : 'real Python clients';
if ('skipped' in found) console.warn(`Contract tests with Python are skipped: ${found.skipped}`);

describe.skipIf('skipped' in found)(title, async () => {
  const server = await testRedis();
  const redis = connectRedis({ url: server.url, name: 'results', whenDown: 'fail', onError: () => undefined });
  afterAll(async () => {
    redis.disconnect();
    await server[Symbol.asyncDispose]();
  });

  /** An engine of one line: `echo` returns its arguments, `fail` and `time_out` fail, others are unknown. */
  function intake(format: 'pickle' | 'json', times = {}) {
    const results = new TaskiqResults({ redis, format, ttlSeconds: 60 });
    return new Intake({
      url: server.url,
      format,
      times,
      handOver: async ({ taskId, taskName, labels, args, kwargs }: TaskiqMessage) => {
        const store = (outcome: { returnValue: unknown } | { error: { name: string; message: string } }) =>
          results.store(taskId, { labels, executionMs: 1234, ...outcome });
        if (taskName === 'echo') return await store({ returnValue: { by: 'us', args, kwargs } });
        if (taskName === 'fail') return await store({ error: { name: 'TransientError', message: 'panel: 503' } });
        if (taskName === 'time_out') return await store({ error: { name: 'TimeoutError', message: 'took 5 s' } });
        throw new PermanentError('unknown_task', `There is no task named '${taskName}'.`);
      },
    });
  }

  describe.each(['pickle', 'json'] as const)('results as %s', (format) => {
    const options = { redis_url: server.url, format, timeout_s: 20 };

    test('.kiq() is taken and its result awaited in Python', async () => {
      await using one = intake(format);
      const kwargs = {
        text: 'Привет, "мир" 🎉',
        n: 2 ** 40,
        ratio: 0.1,
        on: true,
        none: null,
        deep: [{ a: [1, 'x'] }],
      };
      const [end] = await produce(python, options, [
        { task_name: 'echo', args: [1, 'two'], kwargs, labels: { queue: 'email' } },
      ]);
      expect(end).toEqual({
        task_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        is_err: false,
        return_value: { by: 'us', args: [1, 'two'], kwargs },
        execution_time: 1.23,
        labels: { queue: 'email' },
        error: null,
      });
      expect(one.dead).toEqual([]);
    });

    test('an error is awaited in Python and can be raised there, by its name', async () => {
      await using _ = intake(format);
      const [end] = await produce(python, options, [{ task_name: 'fail' }]);
      expect(end).toMatchObject({ is_err: true, return_value: null });
      expect(end!.error).toMatchObject({ type: 'TransientError', message: 'panel: 503' });
      expect(end!.error!.bases).toContain('Exception');
    });

    test('the producer of an unknown task learns of it at once', async () => {
      await using one = intake(format);
      const [end] = await produce(python, options, [{ task_name: 'nobody' }]);
      expect(end).toMatchObject({ is_err: true, error: { message: "There is no task named 'nobody'." } });
      expect(one.dead).toEqual(['unknown_task']);
    });
  });

  test('labels come in the types that they have in Python', async () => {
    await using one = intake('pickle');
    const labels = {
      timeout: 2.5,
      priority: 3,
      delay: 0,
      retry_policy: 'payments',
      on: true,
      off: false,
      raw: { bytes: 'abc' },
    };
    await produce(python, { redis_url: server.url, format: 'pickle', timeout_s: 20 }, [
      { task_name: 'echo', task_id: 'l1', labels },
    ]);
    expect(one.accepted.get('l1')).toMatchObject({
      message: { labels: { ...labels, raw: 'YWJj' } },
      options: { timeoutMs: 2500, priority: 3, delayMs: 0, retryPolicy: 'payments', unusable: [] },
    });
  });

  test('an error that Python has itself is that class there', async () => {
    await using _ = intake('pickle');
    const [end] = await produce(python, { redis_url: server.url, format: 'pickle', timeout_s: 20 }, [
      { task_name: 'time_out' },
    ]);
    expect(end!.error).toMatchObject({ type: 'TimeoutError', message: 'took 5 s' });
    expect(end!.error!.bases).toContain('OSError');
  });

  test('any pickled value loads in plain Python, with the right types and no import', async () => {
    const leaf = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 2_200n), max: 2n ** 2_200n }),
      fc.constantFrom(2 ** 31, -(2 ** 31), 127, 128, 255, 256, -129, 2n ** 2_040n, -(2n ** 2_039n)),
      fc.double(),
      fc.string({ unit: 'grapheme' }),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
    }));
    const values = fc.sample(value, 500);
    const loaded = await runScript(
      python,
      'load_pickle.py',
      [],
      values.map((one) => pickle(one).toString('base64')),
    );
    expect((loaded as unknown[]).map(untagged)).toEqual(values.map(asPython));
  });

  describe('beside Python workers in one group', () => {
    const calls = Array.from({ length: 200 }, (_, i) => ({ task_name: 'echo', kwargs: { i } }));
    const options = { redis_url: server.url, format: 'pickle', timeout_s: 40 } as const;

    test('every message is run by one or the other, and every result arrives', async () => {
      await using _ = intake('pickle');
      const worker = await startPythonWorker(python, { redis_url: server.url, tasks: ['echo'] });
      const ends = await produce(python, options, calls);
      worker.kill();
      await once(worker, 'exit');
      expect(ends.map((end) => (end.return_value as { kwargs: { i: number } }).kwargs.i)).toEqual(
        calls.map((_, i) => i),
      );
    });

    test('what a killed Python worker held is run by us', async () => {
      const worker = await startPythonWorker(python, { redis_url: server.url, tasks: ['echo'], work_s: 60 });
      const ends = produce(python, options, calls);
      await vi.waitFor(async () => expect((await redis.xpending('taskiq', 'taskiq'))[0]).toBeGreaterThan(50), 20_000);
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      // It may have been killed while it held the lock of its own reclaiming, which then stays.
      await using _ = intake('pickle', takeoverTimes(seconds(1)));
      expect((await ends).map(({ return_value: value }) => (value as { by: string }).by)).toEqual(
        calls.map(() => 'us'),
      );
    });
  });
});

/** A whole number is an int in Python, here a bigint; NaN and -0 keep what they are. */
function asPython(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(asPython);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asPython(field)]));
}

const PYTHON_FLOATS: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
};

/** Turns the output of `load_pickle.py` into values again. */
function untagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untagged);
  if (value === null || typeof value !== 'object') return value;
  if ('int' in value) return BigInt(value.int as string);
  if ('float' in value) return PYTHON_FLOATS[value.float as string] ?? Number(value.float);
  return Object.fromEntries((value as { dict: [string, unknown][] }).dict.map(([key, item]) => [key, untagged(item)]));
}
