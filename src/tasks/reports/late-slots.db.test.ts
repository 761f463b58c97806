import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { connectRedis } from '../../repositories/redis/connection.ts';
import { FiredSlotStore } from '../../repositories/redis/fired-slot-store.ts';
import { ScheduleClaims } from '../../repositories/redis/schedule-claims.ts';
import type { JobData } from '../../runtime/job-data.ts';
import { consumeTicks, Scheduler } from '../../runtime/scheduler.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';
import { until } from '../../testing/until.ts';

/** Every task with a day, an hour, a week or a month in it: where its result says which, and which one a slot is for. */
const TASKS: readonly { task: string; told: (result: Readonly<Record<string, unknown>>) => unknown; at: string }[] = [
  { task: 'generate_daily_report', told: ({ date }) => date, at: '06:00' },
  { task: 'aggregate_daily_stats', told: ({ dates }) => (dates as string[]).at(-1), at: '00:05' },
  { task: 'aggregate_financial_stats', told: ({ date }) => date, at: '00:30' },
];

const LATE: readonly [string, number][] = [
  ['in time', 0],
  ['an hour late', hours(1)],
  ['a day late', days(1)],
  ['three days late', days(3)],
];

describe('a slot knows its day', () => {
  let world: FiguresWorld;
  let open: AsyncDisposableStack;
  beforeAll(async () => {
    world = await figuresWorld('2026-11-28T06:00:00Z');
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.clear();
    open = new AsyncDisposableStack();
  });
  afterEach(() => open.disposeAsync());

  const run = (task: string, slot: string, lateMs: number, payload = {}) => {
    const scheduledFor = new Date(`${slot}Z`);
    const now = new Date(scheduledFor.getTime() + lateMs);
    return world.app.run(task, payload, { scheduledFor, enqueuedAt: now, now });
  };

  describe.each(LATE)('%s', (_, lateMs) => {
    test.each(
      TASKS.flatMap(({ at, ...rest }) => [
        { ...rest, slot: `2026-11-28T${at}`, day: '2026-11-27' },
        { ...rest, slot: `2026-11-29T${at}`, day: '2026-11-28' },
        // Over the end of a month, of a year, and over leap days.
        { ...rest, slot: `2026-12-01T${at}`, day: '2026-11-30' },
        { ...rest, slot: `2027-01-01T${at}`, day: '2026-12-31' },
        { ...rest, slot: `2028-02-29T${at}`, day: '2028-02-28' },
        { ...rest, slot: `2028-03-01T${at}`, day: '2028-02-29' },
      ]),
    )('$task of $slot is about $day', async ({ day, slot, task, told }) => {
      expect(told(await run(task, slot, lateMs))).toBe(day);
    });

    test.each([
      ['2026-11-28T06:05', '2026-11-28T05'],
      ['2026-12-01T00:05', '2026-11-30T23'],
      ['2028-02-29T00:05', '2028-02-28T23'],
      ['2028-03-01T00:05', '2028-02-29T23'],
    ])('aggregate_bandwidth_hourly of %s is about %s', async (slot, hour) => {
      expect(await run('aggregate_bandwidth_hourly', slot, lateMs)).toMatchObject({ hour });
    });

    test.each([
      ['2026-11-30T07:00', '2026-11-29'],
      ['2027-01-04T07:00', '2027-01-03'],
      ['2028-03-06T07:00', '2028-03-05'],
    ])('generate_weekly_report of %s is about the week that ended on %s', async (slot, sunday) => {
      expect(await run('generate_weekly_report', slot, lateMs)).toMatchObject({ week_until: sunday });
    });
  });

  test('the slot of the 28th that runs on the 29th reports the 27th, the 29th its own the 28th; run twice nobody hears more', async () => {
    const late = await run('generate_daily_report', '2026-11-28T06:00', days(1));
    const own = await run('generate_daily_report', '2026-11-29T06:00', 0);
    expect([late, own]).toMatchObject([
      { date: '2026-11-27', queued: 1, pictures: 1 },
      { date: '2026-11-28', queued: 1, pictures: 1 },
    ]);
    expect(await run('generate_daily_report', '2026-11-28T06:00', days(2))).toMatchObject({ queued: 0, pictures: 0 });
    const told = (await world.told()).map((text) => /\d{4}-\d\d-\d\d/.exec(text)![0]);
    expect(told).toHaveLength(2);
    expect(new Set(told)).toEqual(new Set(['2026-11-27', '2026-11-28']));
  });

  test('a date that somebody asks for is that date, whenever', async () => {
    const given = { date: '2026-02-28' };
    for (const task of ['generate_daily_report', 'aggregate_financial_stats'])
      expect(await run(task, '2026-11-28T06:00', days(3), given)).toMatchObject(given);
  });

  /** The slots of the jobs that come of a task's next tick, taken so much late, by as many workers as may be there. */
  async function slotsOf(
    task: string,
    lateMs: number,
    { hasFired = false } = {},
  ): Promise<{ due: Date; slots: Date[]; jobIds: string[] }> {
    const { app } = world.app;
    const connection = connectRedis({
      url: world.app.redis.url,
      name: 'ticks',
      whenDown: 'wait',
      onError: () => undefined,
    });
    open.defer(() => connection.disconnect());
    const claims = new ScheduleClaims(app.redis, 'test');
    const pauses = app.parts.pausedSchedules;
    const { settings } = app.services;
    await new Scheduler({ ...app, claims, connection, pauses, settings, overrides: new Map() }).sync();
    const [tick] = (await app.queues.ticks.getJobs(['delayed', 'waiting'])).filter(({ name }) => name === task);
    const due = new Date(Number(tick!.id!.split(':').at(-1)));
    const firedSlots = new FiredSlotStore(app.redis);
    if (hasFired) await firedSlots.add(task, due);
    for (let i = 0; i < 2; i += 1) {
      const ticks = consumeTicks({
        ...app,
        connection,
        pauses,
        clock: () => new Date(due.getTime() + lateMs),
        firedSlots,
      });
      open.defer(() => ticks.close());
    }
    // An interval begins at once.
    if (await tick!.isDelayed()) await tick!.promote();
    await until('the tick has been taken', async () => !(await app.queues.ticks.getJob(tick!.id!)));
    const jobs = await app.queues.get(app.registry.get(task).task.queue).getJobs();
    const own = jobs.filter(({ name }) => name === task);
    const slots = own.map(({ data }) => new Date((data as JobData).slotMs!)).sort((a, b) => a.getTime() - b.getTime());
    return { due, slots, jobIds: own.map(({ id }) => id!) };
  }

  test.each([
    ['generate_daily_report', hours(1), [0]],
    ['generate_daily_report', days(1), [0, 1]],
    ['generate_daily_report', days(3) + hours(2), [0, 1, 2, 3]],
    ['generate_daily_report', days(30), [24, 25, 26, 27, 28, 29, 30]],
    ['aggregate_daily_stats', days(3), [0, 1, 2, 3]],
    ['aggregate_financial_stats', days(40), Array.from({ length: 41 }, (_, i) => i)],
    ['generate_weekly_report', days(8), [0, 7]],
    ['cleanup_export_files', days(3), [3]],
  ])(
    '%s, taken %d ms late, has a job for each day that was missed, as far as it can be made up for',
    async (task, lateMs, expected) => {
      const { due, jobIds, slots } = await slotsOf(task, lateMs);
      expect(slots.map((slot) => Math.round((slot.getTime() - due.getTime()) / days(1)))).toEqual(expected);
      expect(new Set(jobIds).size).toBe(jobIds.length);
    },
  );

  test('aggregate_bandwidth_hourly, three days late, has one job for each day, not for each of 72 hours', async () => {
    const { slots } = await slotsOf('aggregate_bandwidth_hourly', days(3));
    expect(slots).toHaveLength(3);
    for (const slot of slots.slice(0, -1)) expect(slot.toISOString().slice(11)).toBe('23:05:00.000Z');
  });

  test.each([
    ['generate_daily_report', 0, []],
    ['generate_daily_report', days(3), [1, 2, 3]],
    ['cleanup_export_files', days(3), [3]],
  ])(
    'the clock set back and forward: %s, whose slot has fired before and which is taken %d ms late, has the slots since',
    async (task, lateMs, expected) => {
      const { due, slots } = await slotsOf(task, lateMs, { hasFired: true });
      expect(slots.map((slot) => Math.round((slot.getTime() - due.getTime()) / days(1)))).toEqual(expected);
    },
  );

  test('an interval that is taken late leaves to the next tick its own slot', async () => {
    const { due, slots } = await slotsOf('update_realtime_metrics', minutes(1));
    const next = (await world.app.app.queues.ticks.getJobScheduler('update_realtime_metrics'))!.next!;
    expect(slots).toHaveLength(1);
    expect(slots[0]!.getTime()).toBeGreaterThanOrEqual(due.getTime());
    expect(slots[0]!.getTime()).toBeLessThan(next);
  });

  test('the month whose reset is late is the month of its slot', async () => {
    const { slots, due } = await slotsOf('reset_monthly_traffic', days(3));
    expect(slots).toEqual([due]);
  });
});
