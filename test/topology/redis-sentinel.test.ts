import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { seconds } from '../../src/lib/duration.ts';
import { LocalSentinel } from '../../src/testing/servers/redis-sentinel.ts';
import { until } from '../../src/testing/until.ts';
import { commandHere } from '../../src/testing/world/command-here.ts';
import { expireLeases, notificationStates, queueMany } from '../../src/testing/world/notifications.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';

const ROWS = 600;

describe('behind a sentinel', () => {
  let redis: LocalSentinel;
  let world: World;
  let worker: RoleProcess;
  let replica: Redis;
  beforeAll(async () => {
    redis = await LocalSentinel.start();
    replica = new Redis(redis.replica.url);
    // The sentinel cuts all connections when it makes this replica the master.
    replica.on('error', () => undefined);
    world = await World.start({
      telegramLimits: NO_LIMITS,
      env: {
        REDIS_URL: redis.url,
        TASKIQ_RESULT_FORMAT: 'json',
        TELEGRAM_RATE_PER_SECOND: '200',
        SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      },
    });
    worker = await world.start('all');
  });
  afterAll(async () => {
    replica?.disconnect();
    await world?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  const arrivals = (): string[] => world.telegram.messages().map(({ text }) => text);
  const isSent = async (): Promise<boolean> => (await notificationStates(world.pool)).sent === ROWS;

  test('doctor says who is the master, and that there is somebody to take over', async () => {
    const { stdout } = await commandHere(['doctor'], world.env);
    expect(stdout).toMatch(/✓ Server +(Redis|Valkey) .*, master mymaster with 1 replica, named by 1 sentinel \(/);
  });

  test('a replica becomes the master in the middle of a drain: the worker goes on, nothing is lost', async () => {
    await queueMany(world.pool, { count: ROWS });
    await until('the drain is under way', () => arrivals().length > ROWS / 6);
    await redis.master.kill();
    await until('the replica is the master', async () => (await replica.info('replication')).includes('role:master'));
    expect(await isSent()).toBe(false);
    const before = arrivals().length;
    await until('the drain goes on by itself', () => arrivals().length > before, seconds(60));
    await until('all that was not claimed at that moment is sent', async () => (await due()) === 0, seconds(60));
    // Makes the rows that a failed run had claimed due again, as if its five minutes were over.
    await expireLeases(world.pool);
    await until('all are sent', isSent, seconds(60));
    const texts = arrivals();
    expect(new Set(texts).size).toBe(ROWS);
    expect(texts.length - ROWS).toBeLessThanOrEqual(50);
    expect(worker.isRunning).toBe(true);
  });

  test('messages of Python producers go to the new master, are taken there and answered', async () => {
    const message = { task_id: 's1', task_name: 'send_notification', labels: {}, args: [42, 'after'], kwargs: {} };
    await replica.xadd('taskiq', '*', 'data', JSON.stringify(message));
    const result = await until('the result is there', () => replica.get('s1'));
    expect(JSON.parse(result)).toMatchObject({ is_err: false, return_value: { sent: 1 } });
  });

  test('the old master comes back as a replica, and commands follow the sentinel', async () => {
    await redis.master.restart();
    await until('all is well', async () => (await fetch(`${worker.httpUrl}/health/ready`)).status === 200);
    const { code, stdout } = await commandHere(['schedules', '--json'], world.env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).length).toBeGreaterThan(10);
  });

  async function due(): Promise<number> {
    const query = "select id from notification_queue where status = 'pending' and scheduled_at <= now()";
    return (await world.pool.query(query)).rowCount!;
  }
});
