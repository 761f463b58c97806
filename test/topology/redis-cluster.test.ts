import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { seconds } from '../../src/lib/duration.ts';
import { keys } from '../../src/repositories/redis/keys.ts';
import { QUEUE_PREFIX, redisName } from '../../src/runtime/queues.ts';
import { LocalRedisCluster } from '../../src/testing/servers/redis-cluster.ts';
import { until } from '../../src/testing/until.ts';
import { commandHere } from '../../src/testing/world/command-here.ts';
import { expireLeases, notificationStates, queueMany } from '../../src/testing/world/notifications.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';

describe('on a Redis Cluster of three masters', () => {
  let cluster: LocalRedisCluster;
  let world: World;
  let worker: RoleProcess;
  beforeAll(async () => {
    cluster = await LocalRedisCluster.start();
    world = await World.start({
      seed: true,
      panel: { users: 12, nodes: 2 },
      telegramLimits: NO_LIMITS,
      env: {
        REDIS_URL: cluster.url,
        TASKIQ_RESULT_FORMAT: 'json',
        TELEGRAM_RATE_PER_SECOND: '500',
        SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      },
    });
    worker = await world.start('all');
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** Sends a message as Python producers do. */
  const kiq = (taskId: string, taskName: string, kwargs: object) =>
    cluster.client.xadd(
      'taskiq',
      '*',
      'data',
      JSON.stringify({ task_id: taskId, task_name: taskName, labels: {}, args: [], kwargs }),
    );
  const resultOf = async (taskId: string) => {
    const text = await cluster.client.get(taskId);
    return text === null ? undefined : (JSON.parse(text) as { is_err: boolean; return_value: unknown });
  };
  /** The number of sent rows of these chats. */
  const sentFrom = async (firstChat: number): Promise<number> => {
    const query = "select id from notification_queue where telegram_id > $1 and status = 'sent'";
    return (await world.pool.query(query, [firstChat])).rowCount!;
  };
  const deadMessages = async (): Promise<{ id: string; task: string }[]> =>
    JSON.parse((await commandHere(['dead-letters', '--json'], world.env)).stdout);

  test('a schedule fires and the notifications are drained, each once', async () => {
    await queueMany(world.pool, { count: 200 });
    await until('all are sent', async () => (await notificationStates(world.pool)).sent === 200);
    const texts = world.telegram.messages().map(({ text }) => text);
    expect(new Set(texts).size).toBe(200);
    expect(texts).toHaveLength(200);
  });

  test('every queue lies in one slot, and the queues spread over the masters', async () => {
    const slots = await Promise.all(
      (['notifications', 'bulk', 'sync', 'payments', 'cleanup'] as const).map(
        async (queue) => await cluster.client.cluster('KEYSLOT', `${QUEUE_PREFIX}:${redisName(queue)}:wait`),
      ),
    );
    expect(new Set(slots.map((slot) => Math.floor((Number(slot) * 3) / 16_384))).size).toBeGreaterThan(1);
  });

  test('a TaskIQ message is taken and its result written under its id', async () => {
    await kiq('c1', 'send_notification', { telegram_id: 42, message: 'from Python' });
    expect(await until('the result is there', () => resultOf('c1'))).toMatchObject({
      is_err: false,
      return_value: { sent: 1 },
    });
    expect(world.telegram.messages({ chatId: 42 })).toMatchObject([{ visible: 'from Python' }]);
    await until('it is acknowledged', async () => (await cluster.client.xpending('taskiq', 'taskiq'))[0] === 0);
  });

  test('a message that cannot be understood is buried on another master than the stream’s, once, and is replayed', async () => {
    await kiq('c2', 'no_such_task', {});
    const [first] = await until('it is dead', async () => {
      const found = await deadMessages();
      return found.length > 0 ? found : undefined;
    });
    expect((await resultOf('c2'))!.is_err).toBe(true);
    expect((await cluster.client.xpending('taskiq', 'taskiq'))[0]).toBe(0);
    expect(await commandHere(['dead-letters', 'replay', first!.id], world.env)).toMatchObject({ code: 0 });
    const again = await until('it has died again', async () => {
      const found = await deadMessages();
      return found.some(({ id }) => id !== first!.id) ? found : undefined;
    });
    expect(again).toHaveLength(1);
  });

  test('a bulk operation shows its progress and ends with what became of everybody', async () => {
    const users = Array.from({ length: 12 }, (_, i) => world.panel!.user(`user_${String(i + 1).padStart(6, '0')}`)!.id);
    // Listening on one node is enough, whichever node the event was published at.
    const listener = new Redis(cluster.nodes[0]!.url);
    const events: string[] = [];
    listener.on('message', (_channel, text) => events.push(JSON.parse(text).type));
    await listener.subscribe(keys.eventsChannel());
    const jobId = await world.dispatch('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
    const progress = await until('it is over', async () => {
      const record = JSON.parse((await cluster.client.get(keys.bulkProgress(jobId))) ?? '{}');
      return record.status === 'completed' ? record : undefined;
    });
    expect(progress).toMatchObject({ processed: users.length, total: users.length, failed: 0 });
    await until('its end is heard', () => events.includes('bulk.completed'));
    listener.disconnect();
  });

  test('clean-up goes over all masters', async () => {
    const old = Array.from({ length: 30 }, (_, i) => keys.dailyStats(`2020-01-${String(i + 1).padStart(2, '0')}`));
    for (const key of old) await cluster.client.set(key, '{}');
    const holders = await Promise.all(
      cluster.client.nodes('master').map(async (node) => (await node.keys('*stats:daily:2020*')).length),
    );
    expect(holders.filter((n) => n > 0)).toHaveLength(3);
    const { code, stdout } = await commandHere(['run', 'invalidate_stale_cache'], world.env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ removed: old.length, failed: 0 });
  });

  test('doctor looks at every master, and says that none has a replica', async () => {
    const { stdout } = await commandHere(['doctor', '--json'], world.env);
    const rows = JSON.parse(stdout) as { group: string; name: string; level: string; finding: string }[];
    const found = Object.fromEntries(rows.filter(({ group }) => group === 'Redis').map((row) => [row.name, row]));
    expect(found.Server).toMatchObject({
      level: 'warning',
      finding: expect.stringContaining('cluster of 3 masters with 0 replicas: nobody takes over'),
    });
    expect(found['When it is full']).toMatchObject({ level: 'ok' });
    await cluster.client.nodes('master')[2]!.config('SET', 'maxmemory-policy', 'volatile-lru');
    const again = JSON.parse((await commandHere(['doctor', '--json'], world.env)).stdout) as typeof rows;
    expect(again.find(({ name }) => name === 'When it is full')).toMatchObject({ level: 'failed' });
  });

  test('a single master that takes no writes is told, whichever it is', async () => {
    const redis = async () => {
      const response = await fetch(`${worker.httpUrl}/health/ready`);
      return ((await response.json()) as { checks: { redis: { ok: boolean; error?: string } } }).checks.redis;
    };
    for (const { url } of cluster.nodes) {
      await until('all is well', async () => (await redis()).ok);
      const node = new Redis(url);
      await node.config('SET', 'maxmemory', '1mb');
      const { error } = await until('it is told', async () => {
        const said = await redis();
        return said.ok ? undefined : said;
      });
      expect(error).toMatch(/^OOM /);
      await node.config('SET', 'maxmemory', '0');
      node.disconnect();
    }
    await until('all is well', async () => (await redis()).ok);
  });

  test('a master that was killed and comes back: readiness says so meanwhile, and the work goes on without a restart', async () => {
    const ready = async () => (await fetch(`${worker.httpUrl}/health/ready`)).status;
    await until('all is well', async () => (await ready()) === 200);
    await cluster.nodes[1]!.kill();
    await queueMany(world.pool, { count: 50, firstChat: 2_000_000 });
    await until('it is noticed', async () => (await ready()) === 503);
    await cluster.nodes[1]!.restart();
    await until('all is well again', async () => (await ready()) === 200, seconds(60));
    // Makes the rows that a failed run had claimed due again, as if its five minutes were over.
    await expireLeases(world.pool);
    await until('all are sent', async () => (await sentFrom(2_000_000)) === 50, seconds(60));
    expect(worker.isRunning).toBe(true);
  });
});
