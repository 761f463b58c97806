import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../sandbox/telegram/limits.ts';
import { mostWithin } from '../sandbox/telegram/record.ts';
import { seconds } from '../src/lib/duration.ts';
import { keys } from '../src/repositories/redis/keys.ts';
import { until } from '../src/testing/until.ts';
import { metricValue, scrape } from '../src/testing/world/metrics.ts';
import { queueMany } from '../src/testing/world/notifications.ts';
import { World } from '../src/testing/world/world.ts';

const WORKERS = 3;
const TASK = 'process_notification_queue';
const PAYER = 42;
const MEASURED_MS = seconds(20);

describe('a broadcast of 10,000 at 30 messages a second', () => {
  let world: World;
  let monitor: Redis;
  /**
   * The send times of messages, in milliseconds of Redis' clock, which all workers share. A busy machine between them and the sandbox
   * cannot distort it.
   */
  const sentAt: number[] = [];
  beforeAll(async () => {
    // One place for jobs in each process, so that the three drains that are dispatched go to three workers.
    world = await World.start({ telegramLimits: NO_LIMITS, env: { TASK_CONCURRENCY: '1' } });
    monitor = await world.redisClient.monitor();
    monitor.on('monitor', (time: string, [command, key]: string[]) => {
      if (command?.toUpperCase() === 'LPUSH' && key === keys.telegramSent()) sentAt.push(Number(time) * 1000);
    });
    await queueMany(world.pool, { count: 10_000, type: 'broadcast' });
    const workers = await Promise.all(Array.from({ length: WORKERS }, () => world.startWorker()));
    // By the engine's own door: at those of people a drain that waits already is the answer.
    for (const _ of workers) await world.dispatch(TASK);
    await until('all workers drain', async () => {
      const texts = await Promise.all(workers.map((worker) => scrape(worker.httpUrl)));
      return texts.every((text) => metricValue(text, 'taskiq_tasks_in_progress', { task_name: TASK }) === 1);
    });
  });
  afterAll(async () => {
    monitor.disconnect();
    await world[Symbol.asyncDispose]();
  });

  test('a payment message that comes after 10,000 due rows of a broadcast is delivered within 2 s', async () => {
    const queuedAt = Date.now();
    await world.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
       values ($1, $2, 'Paid. Thank you!', 'payment_confirmation', now())`,
      [randomUUID(), PAYER],
    );
    const message = await until('it arrives', () => world.telegram.messages({ chatId: PAYER })[0]);
    expect(message.at - queuedAt).toBeLessThan(2_000);
  });

  test('never more than 30 sends in any second with 3 workers running, and at least 29 on average over 20 s', async () => {
    // The limiter starts gently in the first second after a silence.
    const from = sentAt[0]! + seconds(2);
    await until('20 s are over', () => sentAt.at(-1)! > from + MEASURED_MS, seconds(60));

    expect(mostWithin(sentAt, 1000)).toBeLessThanOrEqual(30);
    const measured = sentAt.filter((at) => at >= from && at < from + MEASURED_MS);
    expect(measured.length / (MEASURED_MS / 1000)).toBeGreaterThanOrEqual(29);
  });
});
