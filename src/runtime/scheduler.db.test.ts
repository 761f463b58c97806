import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config.ts';
import { days } from '../lib/duration.ts';
import { FiredSlotStore } from '../repositories/redis/fired-slot-store.ts';
import { ScheduleClaims } from '../repositories/redis/schedule-claims.ts';
import { type TestRedis, testRedis } from '../testing/redis.ts';
import { NO_PAUSES, type ProbeTask, probeTask, silentLog, TestEngine } from '../testing/test-engine.ts';
import { until } from '../testing/until.ts';
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

describe('schedules', () => {
  let redis: TestRedis;
  let open: AsyncDisposableStack;
  beforeAll(async () => {
    redis = await testRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  beforeEach(async () => {
    await redis.client.flushall();
    open = new AsyncDisposableStack();
  });
  afterEach(() => open.disposeAsync());

  const engineWith = (...tasks: ProbeTask[]): TestEngine => open.use(new TestEngine(redis.url, tasks.map(probeTask)));

  function schedulerOf(
    engine: TestEngine,
    options: { overrides?: Record<string, string>; disabled?: string[] } = {},
  ): Scheduler {
    const { registry, queues, dispatcher } = engine;
    const overrides = new Map(Object.entries(options.overrides ?? {}));
    const disabledTasks = new Set(options.disabled);
    return new Scheduler({
      registry,
      queues,
      dispatcher,
      connection: engine.connection('wait'),
      settings,
      overrides,
      disabledTasks,
      claims: new ScheduleClaims(redis.client, 'test'),
      pauses: NO_PAUSES,
      log: silentLog,
    });
  }

  function ticksOf(engine: TestEngine, clock = () => new Date()): void {
    const ticks = consumeTicks({
      ...engine,
      clock,
      connection: engine.connection('wait'),
      dispatcher: engine.dispatcher,
      registry: engine.registry,
      firedSlots: new FiredSlotStore(redis.client),
      pauses: NO_PAUSES,
      log: silentLog,
    });
    open.defer(() => ticks.close());
  }

  const registered = async (engine: TestEngine): Promise<Record<string, unknown>> =>
    Object.fromEntries(
      (await engine.queues.ticks.getJobSchedulers()).map(({ key, every, pattern }) => [key, pattern ?? every]),
    );

  const idle = async () => ({});

  test('that three schedulers write at the same time fire once each slot', async () => {
    let runs = 0;
    const engine = engineWith({ name: 'often', schedule: { everyMs: 250 }, run: async () => ({ n: runs++ }) });
    await Promise.all(
      [schedulerOf(engine), schedulerOf(engine), schedulerOf(engine)].map((scheduler) => scheduler.sync()),
    );
    for (let i = 0; i < 3; i += 1) ticksOf(engine);
    await engine.start();
    const startedAt = performance.now();
    await engine.untilEnded(5);
    expect(performance.now() - startedAt).toBeGreaterThan(3 * 250);
    expect(await registered(engine)).toEqual({ often: 250 });
  });

  test('never overlap: while a run lasts, another is not added', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const slots = async () => (await engine.queues.ticks.getJobSchedulers())[0]!.iterationCount!;
    const engine = engineWith({
      name: 'slow',
      schedule: { everyMs: 60 },
      async run() {
        running += 1;
        most = Math.max(most, running);
        runs += 1;
        const before = await slots();
        await until('three slots have passed', async () => (await slots()) >= before + 3);
        running -= 1;
        return {};
      },
    });
    await schedulerOf(engine).sync();
    ticksOf(engine);
    await engine.start();
    await engine.untilEnded(3);
    expect(most).toBe(1);
    expect(runs).toBeLessThanOrEqual(4);
  });

  test('that came due while no worker was up run once when one comes back', async () => {
    let runs = 0;
    const engine = engineWith({ name: 'missed', schedule: { everyMs: 50 }, run: async () => ({ n: runs++ }) });
    await schedulerOf(engine).sync();
    ticksOf(engine);
    const waiting = () => engine.queues.get('sync').getWaitingCount();
    await expect.poll(waiting).toBe(1);
    await expect.poll(async () => (await engine.queues.ticks.getJobSchedulers())[0]!.iterationCount).toBeGreaterThan(4);
    expect(await waiting()).toBe(1);
  });

  describe('that are taken days late', () => {
    /** Runs a schedule of every second whose first tick is taken so much later, and answers what each run was for. */
    async function runsOf(probe: Partial<ProbeTask>, lateMs: number, runs: number): Promise<Date[]> {
      const found: Date[] = [];
      const engine = engineWith({
        name: 'probe',
        schedule: { cron: '* * * * * *' },
        run: async (_, { scheduledFor }) => {
          found.push(scheduledFor);
          return {};
        },
        ...probe,
      });
      await schedulerOf(engine).sync();
      ticksOf(engine, () => new Date(Date.now() + lateMs));
      await engine.start(1);
      await engine.untilEnded(runs);
      return found;
    }

    const midnightAfter = (at: number): number => Math.floor(at / days(1)) * days(1) + days(1);

    test('have a run for each day where they are made up for, the last slot of each', async () => {
      const startedAt = Date.now();
      const [first, second, third] = await runsOf({ madeUpDays: 7 }, days(2), 3);
      const midnight = midnightAfter(startedAt);
      // A run that starts in the last seconds of a day finds its first slots on the next.
      const ends = first!.getTime() < midnight ? midnight : midnight + days(1);
      expect(first!.getTime()).toBe(ends - 1000);
      expect(second!.getTime()).toBe(ends + days(1) - 1000);
      expect(third!.getTime()).toBeGreaterThanOrEqual(startedAt + days(2));
    });

    test('run once where they are not, for the latest slot', async () => {
      const startedAt = Date.now();
      const [first] = await runsOf({}, days(3), 1);
      expect(first!.getTime()).toBeGreaterThanOrEqual(startedAt + days(3) - 1000);
    });

    test('keep their slot over retries', async () => {
      const seen: Date[] = [];
      const run: ProbeTask['run'] = async (_, { attempt, scheduledFor }) => {
        seen.push(scheduledFor);
        if (attempt < 3) throw new Error('not yet');
        return {};
      };
      await runsOf({ madeUpDays: 1, delaysMs: [0, 0], run }, 0, 1);
      expect(new Set(seen.slice(0, 3).map(Number)).size).toBe(1);
    });

    test('with several consumers each slot runs once, also while an earlier one still runs', async () => {
      const found: number[] = [];
      let running = 0;
      let most = 0;
      const engine = engineWith({
        name: 'slow',
        madeUpDays: 7,
        schedule: { cron: '* * * * * *' },
        run: async (_, { scheduledFor }) => {
          found.push(scheduledFor.getTime());
          running += 1;
          most = Math.max(most, running);
          await until('two run at once', () => most > 1);
          running -= 1;
          return {};
        },
      });
      await schedulerOf(engine).sync();
      for (let i = 0; i < 3; i += 1) ticksOf(engine);
      await engine.start(8);
      await engine.untilEnded(3);
      expect(new Set(found).size).toBe(found.length);
      expect(most).toBeGreaterThan(1);
    });
  });

  test('that are due and not taken yet are left alone, so that no slot is lost between two looks', async () => {
    const engine = engineWith({ name: 'each_second', schedule: { cron: '* * * * * *' }, run: idle });
    const scheduler = schedulerOf(engine);
    await scheduler.sync();
    const [first] = await engine.queues.ticks.getJobSchedulers();
    // Nobody takes ticks here, so this tick becomes overdue, as if Redis restarted at six in the morning.
    await expect.poll(() => Date.now(), { timeout: 5_000 }).toBeGreaterThan(first!.next!);
    await scheduler.sync();
    expect(await engine.queues.ticks.getJob(`repeat:each_second:${first!.next}`)).toBeDefined();
    expect((await engine.queues.ticks.getJobSchedulers())[0]!.next).toBe(first!.next);
  });

  test('whose next tick was lost are given another', async () => {
    const engine = engineWith({ name: 'hourly', schedule: { cron: '0 * * * *' }, run: idle });
    const scheduler = schedulerOf(engine);
    await scheduler.sync();
    const next = (await engine.queues.ticks.getJobSchedulers())[0]!.next!;
    const tick = () => engine.queues.ticks.getJob(`repeat:hourly:${next}`);
    await redis.client.del(engine.queues.ticks.toKey(`repeat:hourly:${next}`), engine.queues.ticks.toKey('delayed'));
    expect(await tick()).toBeUndefined();
    await scheduler.sync();
    expect(await tick()).toBeDefined();
  });

  test('come back after Redis was emptied', async () => {
    const engine = engineWith({ name: 'daily', schedule: { cron: '5 0 * * *' }, run: idle });
    const scheduler = schedulerOf(engine);
    await scheduler.sync();
    await redis.client.flushall();
    expect(await registered(engine)).toEqual({});
    await scheduler.sync();
    expect(await registered(engine)).toEqual({ daily: '5 0 * * *' });
    await scheduler.check();
  });

  test('of tasks that are gone or switched off are removed', async () => {
    const two = engineWith(
      { name: 'kept', schedule: { everyMs: 60_000 }, run: idle },
      { name: 'gone', schedule: { everyMs: 60_000 }, run: idle },
      { name: 'off', schedule: { everyMs: 60_000 }, run: idle },
    );
    await schedulerOf(two).sync();
    expect(new Set(Object.keys(await registered(two)))).toEqual(new Set(['gone', 'kept', 'off']));
    const one = engineWith(
      { name: 'kept', schedule: { everyMs: 60_000 }, run: idle },
      { name: 'off', schedule: { everyMs: 60_000 }, run: idle },
    );
    await schedulerOf(one, { disabled: ['off'] }).sync();
    expect(await registered(one)).toEqual({ kept: 60_000 });
  });

  test('can be set from outside for one task, and one that cannot be read stops the start and names its variable', async () => {
    const engine = engineWith({ name: 'daily_thing', schedule: { cron: '5 0 * * *' }, run: idle });
    await schedulerOf(engine, { overrides: { daily_thing: '90s' } }).sync();
    expect(await registered(engine)).toEqual({ daily_thing: 90_000 });
    const wrong = schedulerOf(engine, { overrides: { daily_thing: 'sometimes' } });
    expect(() => wrong.start()).toThrow(/SCHEDULE_DAILY_THING is neither an interval .* 'sometimes'/);
  });
});
