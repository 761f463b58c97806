import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { visibleText } from '../../lib/telegram-html.ts';
import type { MemoryUse } from '../../repositories/redis/figures/memory-reports.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';

const START = new Date('2026-03-14T12:00:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);

describe('check_anomalies', () => {
  let world: FiguresWorld;
  beforeAll(async () => {
    world = await figuresWorld(START.toISOString());
  });
  afterAll(() => world[Symbol.asyncDispose]());
  const services = () => world.app.app.services;
  const parts = () => world.app.app.parts;
  beforeEach(async () => {
    // What the test before has left to be written would be written after the clearing.
    await parts().foundation.taskOutcomes.flush();
    await world.clear();
  });

  /** With all schedules in time but those, whose last success is what it was. */
  const allSucceed = async (at: Date, except: readonly string[] = []): Promise<void> => {
    const states = await parts().scheduleWatch.states(at);
    const names = states.map(({ task }) => task).filter((task) => !except.includes(task));
    await world.app.redis.client.hset(
      'cybervpn:schedules:last_success',
      ...names.flatMap((task) => [task, at.toISOString()]),
    );
  };
  const check = async (now: Date, overdue: readonly string[] = []) => {
    await allSucceed(now, overdue);
    return world.app.run('check_anomalies', {}, { now });
  };
  /** As if what waits had been delivered. */
  const deliver = () => world.app.database.pool.query("update notification_queue set status = 'sent', sent_at = now()");
  const told = async (): Promise<string[]> => (await world.told()).map(visibleText);
  const jobs = (succeeded: number, failed: number, at: Date) =>
    parts().foundation.outcomes.add(
      { succeeded, failed, errors: new Map([['sync_user_stats panel_timeout', failed]]), calls: new Map() },
      at,
    );
  const depth = (waiting: number, at: Date) =>
    services().queueSnapshots.save({ at, queues: { bulk: { waiting, active: 0, delayed: 0, failed: 0 } } });
  const memory = (use: Partial<MemoryUse>) =>
    parts().memoryReports.save({
      host: 'worker-1',
      pid: 1,
      rssBytes: 100,
      heapUsedBytes: 1,
      heapLimitBytes: 1000,
      limitBytes: 1000,
      at: START,
      ...use,
    });
  const payments = (n: number, status: 'completed' | 'failed', at = START) =>
    world.pay(...Array.from({ length: n }, () => ({ at: at.toISOString(), due: '5', currency: 'USD', status })));

  test('with nothing wrong nobody hears anything', async () => {
    await jobs(100, 0, START);
    expect(await check(START)).toMatchObject({ began: 0, ended: 0, unknown: 0 });
    expect(await told()).toEqual([]);
  });

  test('a node offline for over 5 minutes is one CRITICAL, also when it was down at first sight; 5 minutes are not', async () => {
    await world.node('Berlin', [[START.toISOString(), 'offline']], later(minutes(6)).toISOString());
    expect(await check(later(minutes(5)))).toMatchObject({ began: 0 });
    expect(await check(later(minutes(6)))).toMatchObject({ began: 1 });
    expect(await check(later(minutes(11)))).toMatchObject({ began: 0 });
    expect(await told()).toEqual([expect.stringMatching(/CRITICAL Node Berlin is offline/)]);
  });

  test('a node that nobody has looked at lately is unknown, not offline', async () => {
    await world.node('Berlin', [[START.toISOString(), 'offline']], later(minutes(1)).toISOString());
    expect(await check(later(hours(1)))).toMatchObject({ began: 0 });
  });

  test('over 5 % of errors within 15 minutes is one WARNING with the errors, and the window really closes', async () => {
    await jobs(94, 6, START);
    expect(await check(later(minutes(1)))).toMatchObject({ began: 1 });
    await deliver();
    expect(await check(later(minutes(6)))).toMatchObject({ began: 0, ended: 0 });
    await jobs(30, 0, later(minutes(16)));
    expect(await check(later(minutes(16)))).toMatchObject({ began: 0, ended: 1 });
    expect(await told()).toEqual([
      expect.stringMatching(/WARNING Tasks fail: 6 %\n\n6 of 100 jobs in 15 min\n• sync_user_stats panel_timeout × 6/),
      expect.stringMatching(/RESOLVED Tasks succeed again\n\n• tasks: lasted 15 min/),
    ]);
  });

  test('exactly 5 % is none, and 1 failure of 1 is none', async () => {
    await jobs(0, 1, START);
    expect(await check(START)).toMatchObject({ began: 0 });
    await jobs(95, 4, START);
    expect(await check(START)).toMatchObject({ began: 0 });
  });

  test('more than 500 waiting jobs are one WARNING for each queue; around the limit it does not come and go', async () => {
    await depth(500, START);
    expect(await check(START)).toMatchObject({ began: 0 });
    await depth(501, START);
    expect(await check(START)).toMatchObject({ began: 1 });
    await depth(499, START);
    expect(await check(later(minutes(5)))).toMatchObject({ began: 0, ended: 0 });
    await depth(10, START);
    expect(await check(later(minutes(10)))).toMatchObject({ ended: 1 });
    expect((await told())[0]).toMatch(/WARNING Jobs pile up\n\n• bulk: 501 waiting/);
  });

  test('without a snapshot of the queues nothing is concluded', async () => {
    await depth(501, START);
    await check(START);
    await world.app.redis.client.del('cybervpn:queues:snapshot');
    expect(await check(later(minutes(5)))).toMatchObject({ began: 0, ended: 0 });
  });

  test('over 10 % of failed payments is one CRITICAL once there are 20, and ends', async () => {
    await payments(16, 'completed');
    await payments(2, 'failed');
    expect(await check(later(1))).toMatchObject({ began: 0 });
    await payments(2, 'failed');
    expect(await check(later(1))).toMatchObject({ began: 1 });
    expect(await check(later(minutes(5)))).toMatchObject({ began: 0 });
    await payments(80, 'completed', later(minutes(6)));
    expect(await check(later(minutes(10)))).toMatchObject({ ended: 1 });
    expect((await told())[0]).toMatch(/CRITICAL Payments fail: 20 %\n\n4 of 20 payments/);
  });

  test('workers above 80 % of their memory are one WARNING; processes of one container share its limit', async () => {
    await memory({ pid: 1, rssBytes: 400 });
    expect(await check(START)).toMatchObject({ began: 0 });
    await memory({ pid: 2, rssBytes: 401 });
    expect(await check(START)).toMatchObject({ began: 1 });
    expect((await told())[0]).toMatch(/WARNING Worker memory is nearly full\n\n• worker-1: 80.1 %/);
    // The processes are gone: their container was replaced.
    expect(await check(later(minutes(5)))).toMatchObject({ ended: 1 });
  });

  test('a report that cannot be read ends no alert of its host, and hides no other host', async () => {
    await memory({ rssBytes: 900 });
    await memory({ host: 'worker-2', rssBytes: 900 });
    expect(await check(START)).toMatchObject({ began: 2 });
    await world.app.redis.client.hset('cybervpn:workers:memory', 'worker-1 1', '{"rss":"odd"}');
    await memory({ host: 'worker-2', rssBytes: 100 });
    expect(await check(later(minutes(1)))).toMatchObject({ unknown: 0, ended: 1 });
    await memory({ rssBytes: 100, at: later(minutes(2)) });
    await memory({ host: 'worker-2', rssBytes: 100, at: later(minutes(2)) });
    expect(await check(later(minutes(2)))).toMatchObject({ ended: 1 });
  });

  test('without a limit of the container the heap is what can run full', async () => {
    await memory({ limitBytes: undefined, rssBytes: 5000, heapUsedBytes: 799 });
    expect(await check(START)).toMatchObject({ began: 0 });
    await memory({ limitBytes: undefined, rssBytes: 5000, heapUsedBytes: 801 });
    expect(await check(START)).toMatchObject({ began: 1 });
  });

  test('a rule whose source is away changes nothing, and the others go on', async () => {
    await payments(10, 'completed');
    await payments(10, 'failed');
    await check(later(1));
    await depth(501, START);
    await world.app.database.pool.query('alter table payments rename to payments_away');
    expect(await check(later(minutes(5)))).toMatchObject({ began: 1, ended: 0 });
    await world.app.database.pool.query('alter table payments_away rename to payments');
  });

  test('alerts arrive while the panel is down', async () => {
    world.panel.faults({ kind: 'error', status: 503 });
    await depth(501, START);
    await check(START);
    world.panel.faults();
    await world.app.run('process_notification_queue');
    expect(world.app.telegram.messages({ chatId: 900000001 }).map(({ visible }) => visible)).toEqual([
      expect.stringContaining('Jobs pile up'),
    ]);
  });

  describe('the dead man’s switch', () => {
    const overdue = ['process_notification_queue'];

    test('a schedule without success for twice its period, at least 5 minutes, is told once and once when it succeeds again', async () => {
      await check(START);
      // Every 30 s, but no sooner than after 5 minutes.
      expect(await check(later(minutes(4.9)), overdue)).toMatchObject({ began: 0 });
      expect(await check(later(minutes(5)), overdue)).toMatchObject({ began: 1 });
      await deliver();
      expect(await check(later(minutes(10)), overdue)).toMatchObject({ began: 0, ended: 0 });
      expect(await check(later(minutes(11)))).toMatchObject({ ended: 1 });
      expect(await told()).toEqual([
        expect.stringMatching(
          /WARNING Scheduled tasks do not succeed any more\n\n• process_notification_queue: last success 2026-03-14 12:00 UTC/,
        ),
        expect.stringMatching(/RESOLVED Scheduled tasks succeed again/),
      ]);
    });

    test('a schedule that is new, or of which Redis has lost all, has twice its period from then on', async () => {
      const overdueAt = async (at: Date) => (await parts().scheduleWatch.overdue(at)).map(({ task }) => task);
      expect(await overdueAt(START)).toEqual([]);
      expect(await overdueAt(later(minutes(10)))).toContain('check_anomalies');
      expect(await overdueAt(later(hours(47)))).not.toContain('generate_daily_report');
      expect(await overdueAt(later(hours(48)))).toContain('generate_daily_report');
      expect(await overdueAt(later(hours(48)))).not.toContain('generate_weekly_report');
    });

    test('after a planned stop of days nothing is overdue before it could run, and what then does not run is', async () => {
      const { scheduleWatch, workerTimes } = parts();
      const overdueAt = async (at: Date) => (await scheduleWatch.overdue(at)).map(({ task }) => task);
      // Two replicas, which say every half minute that they are there, until both are stopped.
      for (const beat of [0, 30, 31, 60]) await workerTimes.beat(later(seconds(beat)));
      await allSucceed(later(seconds(60)));
      const back = later(days(3));
      expect(await overdueAt(back)).toContain('check_anomalies');
      await Promise.all([workerTimes.beat(back), workerTimes.beat(back)]);
      expect(await overdueAt(back)).toEqual([]);
      await world.app.run('check_anomalies', {}, { now: back });
      expect(await told()).toEqual([]);

      // It goes on: each has twice its period again, and the stop excuses nothing that runs and then stops.
      for (let beat = 30; beat <= 700; beat += 30) await workerTimes.beat(new Date(back.getTime() + seconds(beat)));
      const soon = new Date(back.getTime() + minutes(11));
      expect(await overdueAt(soon)).toContain('check_anomalies');
      expect(await overdueAt(soon)).not.toContain('generate_daily_report');
      await allSucceed(soon, ['process_notification_queue']);
      expect(await overdueAt(soon)).toEqual(['process_notification_queue']);
    });

    test('a worker that is there while nothing succeeds stops no clock', async () => {
      const { workerTimes } = parts();
      await allSucceed(START);
      for (let beat = 0; beat <= 20; beat += 1) await workerTimes.beat(later(minutes(beat)));
      const overdue = await parts().scheduleWatch.overdue(later(minutes(20)));
      expect(overdue.map(({ task }) => task)).toContain('check_anomalies');
    });

    test('what a task ended with is remembered without any help of the task', async () => {
      await parts().foundation.taskOutcomes.flush();
      await world.clear();
      await world.app.run('check_anomalies');
      await parts().foundation.taskOutcomes.flush();
      const states = await parts().scheduleWatch.states(new Date());
      expect(states.find(({ task }) => task === 'check_anomalies')?.lastSuccess).toBeInstanceOf(Date);
      expect(await parts().foundation.outcomes.lastMinutes(15, new Date())).toEqual({ succeeded: 1, failed: 0 });
    });
  });
});
