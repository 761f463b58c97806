/** Real Python clients against the worker as it ships. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutes } from '../../../src/lib/duration.ts';
import { keys } from '../../../src/repositories/redis/keys.ts';
import { until } from '../../../src/testing/until.ts';
import { World } from '../../../src/testing/world/world.ts';
import { taskiqPython } from './python.ts';
import { produce } from './run-script.ts';

const found = await taskiqPython();
const python = 'python' in found ? found.python : '';
const title =
  'skipped' in found ? `.kiq() to a running worker (SKIPPED: ${found.skipped})` : '.kiq() to a running worker';

type DeadLetter = { id: string; kind: string; task: string; reason: string };

describe.skipIf('skipped' in found)(title, () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ seed: true, panel: { users: 20, nodes: 2 } });
    await world.startWorker();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const options = () => ({ redis_url: world.redis.url, format: 'pickle', timeout_s: 60 }) as const;
  const deadLetters = async (): Promise<DeadLetter[]> =>
    JSON.parse((await world.command(['dead-letters', '--json'])).stdout);

  test('the result of a success is awaited in Python', async () => {
    const [end] = await produce(python, options(), [
      { task_name: 'send_notification', args: [501, 'Привет'], kwargs: { notification_type: 'info' } },
    ]);
    expect(end).toMatchObject({
      is_err: false,
      error: null,
      return_value: { sent: 1, message_id: expect.any(Number) },
    });
    expect(world.telegram.messages({ chatId: 501 })).toMatchObject([{ visible: 'Привет' }]);
  });

  test('the error of a task is awaited in Python', async () => {
    const [end] = await produce(python, options(), [
      { task_name: 'process_payment_completion', kwargs: { raw_body: '{}', signature: 'forged' } },
    ]);
    expect(end).toMatchObject({ is_err: true, error: { message: expect.stringContaining('signature') } });
  });

  test(
    'every task answers under every name it has: with its result, or with what is wrong with the payload',
    async () => {
      const tasks: { name: string; aliases: string[] }[] = JSON.parse(
        (await world.command(['tasks', '--json'])).stdout,
      );
      const names = tasks.flatMap(({ name, aliases }) => [name, ...aliases]);
      // A policy without retries: this test asks whether there is an answer, not whether the fifth attempt succeeds.
      const labels = { retry_policy: 'bulk' };
      const ends = await produce(
        python,
        options(),
        names.map((task_name) => ({ task_name, labels })),
      );
      expect(names.filter((_, i) => ends[i]!.timeout)).toEqual([]);
    },
    minutes(3),
  );

  test('unknown task, wrong payload and malformed entries go to the dead letters with the reason; the first two are told to the producer', async () => {
    const [unknown, wrong] = await produce(python, options(), [
      { task_name: 'no_such_task', args: [1] },
      { task_name: 'send_notification', kwargs: { telegram_id: 'nobody', message: '' } },
    ]);
    expect(unknown).toMatchObject({ is_err: true, error: { message: expect.stringContaining('no_such_task') } });
    expect(wrong!.error!.message).toMatch(/telegram_id: .*message: /);
    await world.redisClient.xadd('taskiq', '*', 'data', 'not json');
    await world.redisClient.xadd('taskiq', '*', 'other', 'field');

    const messages = await until('all four are buried', async () => {
      const letters = (await deadLetters()).filter(({ kind }) => kind === 'message');
      return letters.filter(({ task }) => task === '').length === 2 ? letters : undefined;
    });
    expect(messages).toContainEqual(
      expect.objectContaining({ task: 'no_such_task', reason: expect.stringContaining('no_such_task') }),
    );
    expect(messages).toContainEqual(
      expect.objectContaining({ task: 'send_notification', reason: expect.stringContaining('telegram_id') }),
    );
    expect(messages.every(({ reason }) => reason.length > 0)).toBe(true);
  });

  test('a dead letter is replayable: it comes back whole, and where nothing was fixed it dies again', async () => {
    const before = (await deadLetters()).find(({ task }) => task === 'no_such_task')!;
    const { code } = await world.command(['dead-letters', 'replay', before.id]);
    expect(code).toBe(0);
    const again = await until('it is dead again', async () =>
      (await deadLetters()).find(({ id, task }) => task === 'no_such_task' && id !== before.id),
    );
    expect(again.reason).toBe(before.reason);
  });

  test('the stream does not grow: what is acknowledged is trimmed', async () => {
    const calls = Array.from({ length: 300 }, (_, i) => ({
      task_name: 'send_notification',
      kwargs: { telegram_id: 10_000 + i, message: 'x', notification_type: 'info' },
      labels: { delay: 3_600 },
    }));
    // Their results are an hour away; the producer does not wait for them.
    await produce(python, { ...options(), timeout_s: 0.1 }, calls);
    await until('it is short', async () => (await world.redisClient.xlen('taskiq')) <= 1);
    expect((await world.redisClient.xpending('taskiq', 'taskiq'))[0]).toBe(0);
    expect(await world.redisClient.xlen(keys.taskiqDead())).toBeLessThan(100);
  });
});
