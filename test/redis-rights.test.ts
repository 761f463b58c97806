import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEAST_RIGHTS } from '../src/repositories/redis/rights.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';

describe('a Redis user with the least rights', () => {
  let world: World;
  let url: string;
  beforeAll(async () => {
    world = await World.start();
    url = world.redis.url.replace('//', '//least@');
    await grant(...LEAST_RIGHTS);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  async function grant(...rights: readonly string[]): Promise<void> {
    await world.redisClient.acl('SETUSER', 'least', 'reset', 'on', 'nopass', ...rights);
  }
  const denied = async (): Promise<string[]> => {
    const log = (await world.redisClient.call('ACL', 'LOG')) as string[][];
    return log.map((entry) => String(entry[entry.indexOf('object') + 1]));
  };

  test('works through stream, schedules and deliveries, and is refused nothing', async () => {
    const worker = await world.start('all', {
      REDIS_URL: url,
      TASKIQ_RESULT_FORMAT: 'json',
      SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      SCHEDULE_MONITOR_QUEUE_DEPTH: '1s',
      SCHEDULE_INVALIDATE_STALE_CACHE: '1s',
    });
    const message = { task_id: 'r1', task_name: 'send_notification', labels: {}, args: [42, 'hello'], kwargs: {} };
    await world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify(message));
    const result = await until('its producer has the result', () => world.redisClient.get('r1'));
    expect(JSON.parse(result)).toMatchObject({ is_err: false, return_value: { sent: 1 } });
    const done = new Set<unknown>();
    const tasks = ['process_notification_queue', 'monitor_queue_depth', 'invalidate_stale_cache'];
    await until('the schedules have run', () => {
      for (const { msg, task } of worker.log) if (msg === 'task done') done.add(task);
      return tasks.every((task) => done.has(task));
    });
    expect((await fetch(`${worker.httpUrl}/health/ready`)).status).toBe(200);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect(await denied()).toEqual([]);
  });

  test.each([
    ['-bzpopmin', 'wait for a job', '+@write'],
    ['resetchannels', 'publish on its channels', '+@pubsub &cybervpn:*'],
    ['-client|unblock', 'end a waiting read', '+client|unblock'],
  ])('doctor names what is missing after %s, and the line that grants it', async (taken, what, right) => {
    await grant(...LEAST_RIGHTS, ...taken.split(' '));
    const { stdout } = await world.command(['doctor', '--json'], { REDIS_URL: url });
    const rows = JSON.parse(stdout) as { name: string; finding: string; advice?: string }[];
    const rights = rows.find(({ name }) => name === 'Rights')!;
    expect(rights.finding).toBe(`user least may not ${what}`);
    expect(rights.advice).toContain(`ACL SETUSER least ${right}`);
  });

  test('doctor says that all is there', async () => {
    await grant(...LEAST_RIGHTS);
    const { stdout } = await world.command(['doctor'], { REDIS_URL: url });
    expect(stdout).toMatch(/✓ Rights +user least may do what the worker does/);
  });
});
