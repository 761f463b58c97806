import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe('monitor_queue_depth', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
    world.redis.client.on('error', () => undefined);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
  });

  const dispatch = (task: string, options: object = {}) =>
    world.app.dispatcher.dispatchNamed(task, {}, { source: 'cli', initiatedBy: 'test', ...options });
  const queueRows = (...dueInSeconds: number[]) =>
    Promise.all(
      dueInSeconds.map((seconds) =>
        world.database.pool.query(
          `insert into notification_queue (id, telegram_id, message, scheduled_at)
           values ($1, 1, 'x', now() + $2 * interval '1 second')`,
          [randomUUID(), seconds],
        ),
      ),
    );
  const gauges = async (): Promise<string[]> =>
    (await world.app.metrics.registry.metrics())
      .split('\n')
      .filter((line) => /^(taskiq|cybervpn)_(queue_depth|queue_jobs|dead_letters)/.test(line));

  test('counts what waits, runs, is delayed and failed in each queue, pending rows, and the stream', async () => {
    await dispatch('check_server_health');
    await dispatch('check_server_health', { delayMs: minutes(5) });
    await dispatch('sync_user_stats', { priority: 1 });
    await queueRows(-10, -1, 3600);
    await world.redis.client.xgroup('CREATE', 'taskiq', 'taskiq', '0', 'MKSTREAM');
    await world.redis.client.xadd('taskiq', '*', 'data', '{}');
    await world.redis.client.xadd('taskiq', '*', 'data', '{}');
    await world.redis.client.xreadgroup('GROUP', 'taskiq', 'python', 'COUNT', 1, 'STREAMS', 'taskiq', '>');

    expect(await world.run('monitor_queue_depth')).toEqual({
      waiting: 2,
      active: 0,
      delayed: 1,
      failed: 0,
      notifications_pending: 3,
      stream_unread: 1,
      stream_pending: 1,
    });
    const snapshot = await world.app.services.queueSnapshots.latest();
    expect(snapshot).toMatchObject({
      queues: { monitoring: { waiting: 1, delayed: 1 }, sync: { waiting: 1 }, bulk: { waiting: 0 } },
      notifications: { pending: 3, due: 2 },
      intake: { unread: 1, pending: 1, oldestPendingMs: expect.any(Number) },
    });
  });

  test('every process shows the last snapshot, whichever worker took it', async () => {
    await dispatch('check_server_health');
    await queueRows(-10, 3600);
    await world.redis.client.xadd('cybervpn:taskiq:dead', '*', 'data', '{');
    await using other = await testApp({ REDIS_URL: world.redis.url, DATABASE_URL: world.env.DATABASE_URL! });
    await other.run('monitor_queue_depth');

    await expect
      .poll(gauges, { timeout: 10_000 })
      .toEqual(
        expect.arrayContaining([
          'taskiq_queue_depth{queue_name="monitoring"} 1',
          'cybervpn_queue_jobs{queue="monitoring",state="waiting"} 1',
          'cybervpn_queue_jobs{queue="notification_queue",state="delayed"} 1',
          'cybervpn_dead_letters{kind="job"} 0',
          'cybervpn_dead_letters{kind="message"} 1',
          'cybervpn_queue_depth{queue="monitoring"} 1',
          'cybervpn_queue_depth{queue="notification_queue"} 1',
        ]),
      );
  });

  test('how far the stream of Python producers is behind, and what memory Redis has left, is read at each scrape', async () => {
    const read = async (name: string) =>
      (await world.app.metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name));
    expect(await read('cybervpn_taskiq_lag')).toEqual([]);

    await world.redis.client.xgroup('CREATE', 'taskiq', 'taskiq', '0', 'MKSTREAM');
    await world.redis.client.xadd('taskiq', '*', 'data', '{}');
    expect(await read('cybervpn_taskiq_lag{what="unread"}')).toEqual(['cybervpn_taskiq_lag{what="unread"} 1']);

    const [used] = await read('cybervpn_redis_memory_bytes{what="used"}');
    expect(Number(used?.split(' ')[1])).toBeGreaterThan(100_000);
    await world.redis.client.config('SET', 'maxmemory', '1');
    await expect(world.redis.client.set('one', 'too many')).rejects.toThrow('OOM');
    await expect.poll(() => read('cybervpn_redis_oom_errors_total')).toEqual(['cybervpn_redis_oom_errors_total 1']);
    expect(await read('cybervpn_redis_memory_bytes{what="max"}')).toEqual([
      'cybervpn_redis_memory_bytes{what="max"} 1',
    ]);
    await world.redis.client.config('SET', 'maxmemory', '0');
    expect(await read('cybervpn_redis_memory_bytes{what="max"}')).toEqual([]);
  });

  test('an old snapshot is not shown, and neither is one that cannot be read', async () => {
    await world.run('monitor_queue_depth');
    expect(await gauges()).not.toEqual([]);
    await world.redis.client.del('cybervpn:queues:snapshot');
    expect(await gauges()).toEqual([]);

    await world.run('monitor_queue_depth');
    world.redis.server.pause();
    expect(await gauges()).toEqual([]);
    world.redis.server.resume();
    await expect.poll(gauges, { timeout: 10_000 }).not.toEqual([]);
  });

  test('what cannot be counted is absent, not zero', async () => {
    await using without = await testApp({
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none',
      TASKIQ_STREAM: '',
    });
    expect(await without.run('monitor_queue_depth')).toMatchObject({
      notifications_pending: null,
      stream_unread: null,
    });
    expect(await without.app.services.queueSnapshots.latest()).not.toHaveProperty('notifications');
  });
});
