import { afterEach, expect, test, vi } from 'vitest';
import { minutes, seconds } from '../../lib/duration.ts';
import { redisTime } from '../../repositories/redis/shared-clock.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { ProcessMemoryReporter } from './process-memory.ts';

afterEach(() => void vi.useRealTimers());

/** This machine's clock as it is when nobody sets it. */
const rightNow = (): number => performance.timeOrigin + performance.now();
const OFTEN = 'process_notification_queue';

/** What a process notes, and the time under which others find it. */
const NOTES: readonly {
  what: string;
  note: (world: TestApp) => Promise<void>;
  found: (world: TestApp, now: Date) => Promise<boolean>;
}[] = [
  {
    what: 'the success of a scheduled task',
    async note({ app }) {
      app.parts.foundation.taskOutcomes.ended({ task: OFTEN, ok: true });
      await app.parts.foundation.taskOutcomes.flush();
    },
    async found({ app }, now) {
      const states = await app.parts.scheduleWatch.states(now);
      const state = states.find(({ task }) => task === OFTEN)!;
      return state.overdueSince === undefined && isNear(state.lastSuccess, now);
    },
  },
  {
    what: 'how jobs ended',
    async note({ app }) {
      app.parts.foundation.taskOutcomes.ended({ task: OFTEN, ok: false, code: 'x' });
      await app.parts.foundation.taskOutcomes.flush();
    },
    found: async ({ app }, now) => (await app.parts.foundation.outcomes.lastMinutes(2, now)).failed === 1,
  },
  {
    what: 'the memory of a process',
    async note({ app }) {
      using _ = new ProcessMemoryReporter(app.parts.memoryReports, () => app.parts.foundation.clock.now());
      await expect.poll(() => app.redis.exists('cybervpn:workers:memory')).toBe(1);
    },
    found: async ({ app }, now) => (await app.parts.memoryReports.all(now)).uses.every(({ at }) => isNear(at, now)),
  },
  {
    what: 'deliveries by the minute',
    async note({ app }) {
      app.parts.deliveryCounts.note('sent', false);
      await expect.poll(() => app.redis.keys('cybervpn:deliveries:2*'), { timeout: 5_000 }).toHaveLength(1);
    },
    found: async ({ app }, now) => (await app.parts.deliveryCounts.latest(2, now)).some(({ sent }) => sent === 1),
  },
];

const isNear = (at: Date | undefined, now: Date): boolean =>
  at !== undefined && Math.abs(at.getTime() - now.getTime()) < seconds(30);

test.each([-10, 10])(
  'noted by a process whose clock is %i minutes off: all is found at its true time, and nobody is alerted',
  async (off) => {
    vi.useFakeTimers({ toFake: ['Date'], now: rightNow() + minutes(off) });
    await using world = await testApp();
    await expect.poll(() => world.app.redis.ping()).toBe('PONG');
    await world.app.parts.foundation.clock.ask();
    for (const { found, note, what } of NOTES) {
      await world.redis.client.flushall();
      await note(world);
      expect({ what, isTrue: await found(world, await redisTime(world.app.redis)) }).toEqual({ what, isTrue: true });
    }
    // Each schedule has just succeeded, on the wrong machine.
    await world.redis.client.flushall();
    const now = await redisTime(world.app.redis);
    for (const { task } of await world.app.parts.scheduleWatch.states(now))
      world.app.parts.foundation.taskOutcomes.ended({ task, ok: true });
    await world.app.parts.foundation.taskOutcomes.flush();
    expect(await world.run('check_anomalies', {}, { now })).toMatchObject({ began: 0 });
  },
);
