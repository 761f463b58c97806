import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../lib/duration.ts';
import { KeptPauses } from '../../repositories/history/kept-pauses.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { connectRedis } from '../../repositories/redis/connection.ts';
import { FiredSlotStore } from '../../repositories/redis/fired-slot-store.ts';
import { PauseMarks } from '../../repositories/redis/monitoring/pause-marks.ts';
import { ScheduleClaims } from '../../repositories/redis/schedule-claims.ts';
import { consumeTicks, Scheduler } from '../../runtime/scheduler.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { silentLog } from '../../testing/test-engine.ts';
import { until } from '../../testing/until.ts';
import { PausedSchedules, type PausedSchedulesOptions } from './paused-schedules.ts';

const TASK = 'sync_server_geolocations';
const BY = 'token:olga';

describe('paused schedules', () => {
  let world: TestApp;
  let open: AsyncDisposableStack;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.redis.client.flushall();
    await world.database.pool.query('drop schema if exists task_worker cascade');
    open = new AsyncDisposableStack();
  });
  afterEach(() => open.disposeAsync());

  /** The pauses as another process of this installation has them. */
  function pauses(options: Partial<PausedSchedulesOptions> = {}): PausedSchedules {
    const { database, parts, redis } = world.app;
    return new PausedSchedules({
      marks: new PauseMarks(redis),
      rows: new KeptPauses(database),
      look: parts.historyState,
      clock: () => new Date(),
      log: silentLog,
      ...options,
    });
  }

  const install = () => installOwnSchema(world.app.database);
  const tasks = async (mine = pauses()): Promise<string[]> => [...(await mine.all()).keys()];
  const kept = async (): Promise<string[]> => (await new KeptPauses(world.app.database).all()).map(({ task }) => task);

  function scheduler(mine: PausedSchedules): Scheduler {
    const { app } = world;
    const connection = connectRedis({ url: world.redis.url, name: 't', whenDown: 'wait', onError: () => undefined });
    open.defer(() => connection.disconnect());
    const claims = new ScheduleClaims(app.redis, 'test');
    return new Scheduler({
      ...{ ...app, claims, connection, pauses: mine },
      ...{ settings: app.services.settings, overrides: new Map() },
    });
  }

  /** How many jobs the next tick of the task makes. */
  async function jobsOfNextTick(mine: PausedSchedules): Promise<number> {
    const { app } = world;
    await scheduler(mine).sync();
    const tick = (await app.queues.ticks.getDelayed()).find(({ name }) => name === TASK)!;
    const connection = connectRedis({ url: world.redis.url, name: 't', whenDown: 'wait', onError: () => undefined });
    open.defer(() => connection.disconnect());
    const firedSlots = new FiredSlotStore(app.redis);
    const ticks = consumeTicks({ ...app, connection, firedSlots, pauses: mine });
    open.defer(() => ticks.close());
    await tick.promote();
    await until('the tick has been taken', async () => !(await app.queues.ticks.getJob(tick.id!)));
    const jobs = await app.queues.get(app.registry.get(TASK).task.queue).getJobs();
    return jobs.filter(({ name }) => name === TASK).length;
  }

  test('a paused schedule stays where it is and starts nothing, and goes on once it is resumed', async () => {
    expect(await pauses().pause({ task: TASK, by: BY })).toBe(true);
    expect(await pauses().pause({ task: TASK, by: 'token:other' })).toBe(false);
    expect((await pauses().all()).get(TASK)).toMatchObject({ by: BY, isKept: false });
    expect(await jobsOfNextTick(pauses())).toBe(0);
    expect(await pauses().resume(TASK)).toBe(true);
    expect(await pauses().resume(TASK)).toBe(false);
    expect(await jobsOfNextTick(pauses())).toBe(1);
  });

  test('where our schema is installed a pause outlives an emptied Redis, before any schedule is back', async () => {
    await install();
    await pauses().pause({ task: TASK, by: BY, reason: 'the panel is being moved' });
    await world.redis.client.flushall();
    expect(await jobsOfNextTick(pauses())).toBe(0);
    expect((await pauses().all()).get(TASK)).toMatchObject({
      ...{ by: BY, reason: 'the panel is being moved', isKept: true },
    });
  });

  test('without our schema a pause is as lasting as Redis, and is written down once the schema is there', async () => {
    await pauses().pause({ task: TASK, by: BY });
    await pauses().keep();
    await install();
    await pauses().keep();
    expect(await kept()).toEqual([TASK]);
    expect((await pauses().all()).get(TASK)?.isKept).toBe(true);
    await world.database.pool.query('drop schema task_worker cascade');
    await pauses().keep();
    expect((await pauses().all()).get(TASK)?.isKept).toBe(false);
    await world.redis.client.flushall();
    await pauses().keep();
    expect(await tasks()).toEqual([]);
  });

  test('two schedulers that keep at once agree, whoever of them saw the resume', async () => {
    await install();
    const [a, b] = [pauses(), pauses()];
    await a.pause({ task: TASK, by: BY });
    await Promise.all([a.keep(), b.keep()]);
    await b.resume(TASK);
    await Promise.all([a.keep(), b.keep()]);
    expect(await tasks()).toEqual([]);
    expect(await kept()).toEqual([]);
    // The resume reached the database and then its process died.
    await a.pause({ task: TASK, by: BY });
    await new KeptPauses(world.app.database).remove(TASK);
    await b.keep();
    expect(await tasks()).toEqual([]);
  });

  describe('while the database is away', () => {
    let isAway = false;
    const look = async () => {
      if (isAway) throw new Error('connect ECONNREFUSED');
      return await world.app.parts.historyState();
    };
    afterEach(() => {
      isAway = false;
    });

    test('a pause holds at once and is written later; a resume is refused in words', async () => {
      await install();
      const mine = pauses({ look });
      isAway = true;
      await mine.pause({ task: TASK, by: BY });
      await mine.keep();
      expect(await tasks()).toEqual([TASK]);
      await expect(mine.resume(TASK)).rejects.toThrow(/PostgreSQL, which does not answer/);
      isAway = false;
      await mine.keep();
      expect(await kept()).toEqual([TASK]);
    });

    test('and Redis is emptied, a scheduler puts back what it knew', async () => {
      await install();
      const mine = pauses({ look });
      await mine.pause({ task: TASK, by: BY });
      await mine.keep();
      isAway = true;
      await world.redis.client.flushall();
      expect(await jobsOfNextTick(mine)).toBe(0);
    });
  });

  describe('the dead man’s switch', () => {
    const start = new Date('2026-03-14T12:00:00Z');
    const later = (ms: number): Date => new Date(start.getTime() + ms);
    const state = async (at: Date) =>
      (await world.app.parts.scheduleWatch.states(at)).find(({ task }) => task === TASK)!;
    const at = (time: Date) => pauses({ clock: () => time });

    test('knows no paused schedule for overdue, and counts anew from the resume', async () => {
      await state(start);
      expect((await state(later(hours(13)))).overdueSince).toBeDefined();
      await at(start).pause({ task: TASK, by: BY });
      expect(await state(later(hours(13)))).toMatchObject({ overdueSince: undefined, pausedSince: start });
      await at(later(hours(20))).resume(TASK);
      expect((await state(later(hours(20) + minutes(4)))).overdueSince).toBeUndefined();
      expect((await state(later(hours(40)))).overdueSince).toBeDefined();
    });

    test('takes an alert off when the schedule is paused, and says of nothing that it succeeds again', async () => {
      const check = (time: Date) => world.run('check_anomalies', {}, { now: time });
      await state(start);
      await check(later(hours(13)));
      const on = async () => (await world.app.parts.alertStates.active(later(hours(13)))).map(({ id }) => id);
      expect(await on()).toContain(`schedule_overdue:${TASK}`);
      await world.database.pool.query("update notification_queue set status = 'sent', sent_at = now()");
      await at(later(hours(13))).pause({ task: TASK, by: BY });
      await check(later(hours(13.1)));
      expect(await on()).not.toContain(`schedule_overdue:${TASK}`);
      const { rows } = await world.database.pool.query(
        `select message from notification_queue where notification_type = 'alert:schedule_overdue_ended' and message like $1`,
        [`%${TASK}%`],
      );
      expect(rows).toEqual([]);
    });
  });
});
