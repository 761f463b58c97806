import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config.ts';
import { FiredSlotStore } from '../repositories/redis/fired-slot-store.ts';
import { ScheduleClaims } from '../repositories/redis/schedule-claims.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { NO_PAUSES, type ProbeTask, probeTask, silentLog, TestEngine } from '../testing/test-engine.ts';
import { consumeTicks, Scheduler } from './scheduler.ts';

const settings = parseConfig({
  DATABASE_URL: 'postgresql://localhost/x',
  REDIS_URL: 'redis://localhost',
  REMNAWAVE_URL: 'http://localhost',
  REMNAWAVE_API_TOKEN: 'token',
  TELEGRAM_BOT_TOKEN: '1:abcdefgh',
  CRYPTOBOT_TOKEN: 'token',
  ADMIN_TELEGRAM_IDS: '1',
});
const idle = async () => ({});
const TASKS: readonly ProbeTask[] = [
  { name: 'often', schedule: { everyMs: 3_600_000 }, run: idle },
  { name: 'daily', schedule: { cron: '0 3 * * *' }, run: idle },
];

describe('schedulers with different configurations', () => {
  let redis: TestRedis;
  let open: AsyncDisposableStack;
  let engine: TestEngine;
  beforeAll(async () => {
    redis = await testRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(async () => {
    await redis.client.flushall();
    open = new AsyncDisposableStack();
    engine = open.use(new TestEngine(redis.url, TASKS.map(probeTask)));
  });
  afterEach(() => open.disposeAsync());

  type Told = { by: string; differ: readonly string[] };
  function schedulerOf(by: string, overrides: Record<string, string> = {}, disabled: readonly string[] = []) {
    const told: Told[] = [];
    const log = { ...silentLog, warn: (fields: object) => void told.push(fields as Told) };
    const scheduler = new Scheduler({
      registry: engine.registry,
      queues: engine.queues,
      dispatcher: engine.dispatcher,
      connection: engine.connection('wait'),
      settings,
      overrides: new Map(Object.entries(overrides)),
      disabledTasks: new Set(disabled),
      claims: new ScheduleClaims(redis.client, by),
      pauses: NO_PAUSES,
      log,
    });
    return { scheduler, told };
  }
  const inForce = async () => {
    const found = await engine.queues.ticks.getJobSchedulers();
    return Object.fromEntries(found.map(({ every, key, pattern }) => [key, pattern ?? every]));
  };

  test('the newest holds, whoever comes first or last to write, and the other says so once', async () => {
    const old = schedulerOf('old');
    await old.scheduler.sync();
    expect(await inForce()).toEqual({ often: 3_600_000, daily: '0 3 * * *' });
    const newer = schedulerOf('newer', { often: '7200s' }, ['daily']);
    await newer.scheduler.sync();
    const next = async () => (await engine.queues.ticks.getJobSchedulers())[0]!.next;
    const due = await next();
    for (let i = 0; i < 3; i += 1) {
      await old.scheduler.sync();
      await newer.scheduler.sync();
      expect(await inForce()).toEqual({ often: 7_200_000 });
      expect(await next()).toBe(due);
    }
    expect(newer.told).toEqual([]);
    const differ = ['daily (here 0 3 * * *, in force off)', 'often (here every 3600 s, in force every 7200 s)'];
    expect(old.told).toMatchObject([{ by: 'newer', differ }]);
    await old.scheduler.check();
  });

  test('one that is gone holds no longer: the configuration of those who are left does', async () => {
    const old = schedulerOf('old');
    await old.scheduler.sync();
    await schedulerOf('newer', { often: '7200s' }).scheduler.sync();
    await old.scheduler.sync();
    expect(await inForce()).toMatchObject({ often: 7_200_000 });
    expect(await redis.client.pttl('cybervpn:schedules:claim')).toBeGreaterThan(60_000);
    // As if the newer one had not claimed for so long.
    await redis.client.del('cybervpn:schedules:claim');
    await old.scheduler.sync();
    expect(await inForce()).toMatchObject({ often: 3_600_000 });
  });

  test('with the same one they keep it together, and an older one of them keeps it alive', async () => {
    const [first, second] = [schedulerOf('first'), schedulerOf('second')];
    for (const { scheduler } of [first, second, first]) await scheduler.sync();
    const claim = await new ScheduleClaims(redis.client, 'reader').current();
    expect(claim).toMatchObject({ by: 'first', schedules: { often: 'every 3600 s', daily: '0 3 * * *' } });
    expect([first.told, second.told]).toEqual([[], []]);
  });

  test('a tick of a task that this version does not have is left to one that has it', async () => {
    await engine.queues.ticks.upsertJobScheduler(
      'newer_task',
      { every: 3_600_000 },
      { name: 'newer_task', data: { kind: 'interval' } },
    );
    const ticks = (consumer: TestEngine) =>
      consumeTicks({
        connection: consumer.connection('wait'),
        dispatcher: consumer.dispatcher,
        registry: consumer.registry,
        queues: consumer.queues,
        firedSlots: new FiredSlotStore(redis.client),
        pauses: NO_PAUSES,
        log: silentLog,
      });
    const ignorant = ticks(engine);
    await expect.poll(() => engine.queues.ticks.getDelayedCount(), { timeout: 10_000 }).toBe(2);
    await ignorant.close();
    const knowing = open.use(new TestEngine(redis.url, [probeTask({ name: 'newer_task', run: idle })]));
    const consumer = ticks(knowing);
    open.defer(() => consumer.close());
    await expect.poll(() => knowing.queues.get('sync').getWaitingCount(), { timeout: 20_000 }).toBe(1);
  });
});
