/** The worker as it ships beside the TaskIQ worker as the platform runs it: one group, then one stream each. */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { minutes } from '../../../src/lib/duration.ts';
import { until } from '../../../src/testing/until.ts';
import type { RoleProcess } from '../../../src/testing/world/role-process.ts';
import { World } from '../../../src/testing/world/world.ts';
import { taskiqPython } from './python.ts';
import { produce, startTaskiqWorker } from './run-script.ts';

const found = await taskiqPython();
const python = 'python' in found ? found.python : '';
const title = 'skipped' in found ? `beside a Python worker (SKIPPED: ${found.skipped})` : 'beside a Python worker';
if ('skipped' in found) console.warn(`Side by side with a Python worker is not shown: ${found.skipped}`);

const FORWARD = 'taskiq-python';
/** Lists of the task ids that each of the two Python workers has run. */
const RAN = { shared: 'ran:shared', forwarded: 'ran:forwarded' };

describe.skipIf('skipped' in found)(title, () => {
  let world: World;
  let ours: RoleProcess;
  let forwarded: ChildProcess;
  let shared: ChildProcess;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    const env = {
      TELEGRAM_RATE_PER_SECOND: '1000',
      TASKIQ_FORWARD_STREAM: FORWARD,
      TASKIQ_TAKEOVER_SECONDS: '5',
    };
    world = await World.start({ telegramLimits: NO_LIMITS, env });
    const start = async (broker: string, RAN_KEY: string) => {
      const worker = await startTaskiqWorker(python, broker, { ...env, REDIS_URL: world.redis.url, RAN_KEY });
      children.push(worker);
      return worker;
    };
    [ours, shared, forwarded] = await Promise.all([
      world.startWorker(),
      start('src.broker:broker', RAN.shared),
      start('forwarded_broker:broker', RAN.forwarded),
    ]);
  }, minutes(2));
  afterAll(async () => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
    await world?.[Symbol.asyncDispose]();
  });

  const ranBy = (list: keyof typeof RAN): Promise<string[]> => world.redisClient.lrange(RAN[list], 0, -1);
  const pendingOf = async (stream: string): Promise<number> =>
    ((await world.redisClient.xpending(stream, 'taskiq')) as [number])[0];
  const options = () => ({ redis_url: world.redis.url, format: 'pickle', timeout_s: 60 }) as const;

  /** Half of the calls are of a task that both know, half of one that only Python knows. The chat tells our runs apart. */
  function calls(count: number, firstChat: number) {
    return Array.from({ length: count }, (_, i) => {
      const task_id = randomUUID();
      return i % 2 === 0
        ? { task_id, task_name: 'send_notification', kwargs: { chat_id: firstChat + i, text: task_id } }
        : { task_id, task_name: 'process_messaging_outbox', kwargs: { batch_size: i } };
    });
  }

  /** Task ids of the messages that we have sent. */
  const sentByUs = (): string[] => world.telegram.messages().map(({ visible }) => visible);

  async function exactlyOnce(sent: readonly { task_id: string }[], before: readonly string[]): Promise<string[]> {
    const all = [...(await ranBy('shared')), ...(await ranBy('forwarded')), ...sentByUs()];
    const runs = all.filter((id) => !before.includes(id));
    expect(sorted(runs)).toEqual(sorted(sent.map(({ task_id: id }) => id)));
    return all;
  }

  let before: string[] = [];

  test('in one group: each message is run once, by whoever got it, and both answer; what we do not know goes to the third', async () => {
    const wanted = calls(200, 1_000);
    const ends = await produce(python, options(), wanted);
    expect(ends.filter(({ is_err: isError, timeout }) => isError !== false || timeout)).toEqual([]);

    before = await exactlyOnce(wanted, before);
    const [byShared, byForwarded, byUs] = [await ranBy('shared'), await ranBy('forwarded'), sentByUs()];
    for (const runs of [byShared, byForwarded, byUs]) expect(runs.length).toBeGreaterThan(0);
    // The third worker gets only the messages that we passed on.
    const known = new Set<string>(
      wanted.filter(({ task_name: name }) => name === 'send_notification').map((call) => call.task_id),
    );
    expect(byForwarded.filter((id) => known.has(id))).toEqual([]);
    await until('nothing is pending', async () => (await pendingOf('taskiq')) + (await pendingOf(FORWARD)) === 0);
  });

  test('the Python worker ends in the middle: what it had in hand it finishes, the rest is ours, and nothing is run twice', async () => {
    const wanted = calls(200, 3_000);
    const ended = once(shared, 'exit');
    const ends = produce(python, options(), wanted);
    await until('it has begun', async () => (await ranBy('shared')).some((id) => !before.includes(id)));
    shared.kill('SIGTERM');
    await ended;
    expect((await ends).filter(({ is_err: isError, timeout }) => isError !== false || timeout)).toEqual([]);
    before = await exactlyOnce(wanted, before);
  });

  test('alone on the stream: unknown tasks reach the Python worker byte for byte, also those sent while it is down', async () => {
    forwarded.kill('SIGTERM');
    await once(forwarded, 'exit');
    const taskId = randomUUID();
    // A message as the backend writes it by hand: blanks after separators, escaped text, no types of labels, an unknown field.
    const data = `{"task_id": "${taskId}", "task_name": "process_messaging_outbox", "labels": {"queue": "notifications"}, "args": [], "kwargs": {"consumer_keys": ["\\u041f\\u0440"], "batch_size": 1}, "trace": null}`;
    await world.redisClient.xadd('taskiq', '*', 'data', data);
    const entries = await until('it is forwarded', async () => {
      const all = await world.redisClient.xrange(FORWARD, '-', '+');
      return all.some(([, fields]) => fields[1]!.includes(taskId)) && all;
    });
    expect(entries.at(-1)![1]).toEqual(['data', data]);

    children.push(
      await startTaskiqWorker(python, 'forwarded_broker:broker', {
        ...{ REDIS_URL: world.redis.url, TASKIQ_FORWARD_STREAM: FORWARD, RAN_KEY: RAN.forwarded },
      }),
    );
    await until('it is run', async () => (await ranBy('forwarded')).includes(taskId));
    const wanted = calls(40, 5_000);
    before = [...before, taskId];
    expect((await produce(python, options(), wanted)).filter((end) => end.is_err !== false)).toEqual([]);
    await exactlyOnce(wanted, before);
    await until('both streams are short', async () => {
      const lengths = await Promise.all(['taskiq', FORWARD].map((stream) => world.redisClient.xlen(stream)));
      return lengths.every((length) => length <= 1);
    });
  });

  test('both end as they should: ours leaves the group, nothing is left pending', async () => {
    expect(await ours.stop()).toMatchObject({ code: 0 });
    const last = children.at(-1)!;
    last.kill('SIGTERM');
    await once(last, 'exit');
    expect((await pendingOf('taskiq')) + (await pendingOf(FORWARD))).toBe(0);
    const { stdout } = await world.command(['dead-letters', '--json']);
    expect(JSON.parse(stdout)).toEqual([]);
  });
});

const sorted = (ids: readonly string[]): string[] => ids.toSorted((a, b) => (a < b ? -1 : 1));
