import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { minutes } from '../../src/lib/duration.ts';
import { keys } from '../../src/repositories/redis/keys.ts';
import { until } from '../../src/testing/until.ts';
import { expireLeases, notificationStates, queueMany } from '../../src/testing/world/notifications.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';

const ROWS = 10_000;
const KILLS = 20;
const TASK = 'process_notification_queue';

describe('SIGKILL in the middle of a drain', () => {
  let world: World;
  beforeAll(async () => {
    // Scaled up from 30/s, so that 10,000 take less than half a minute instead of five.
    world = await World.start({ telegramLimits: NO_LIMITS, env: { TELEGRAM_RATE_PER_SECOND: '600' } });
    await queueMany(world.pool, { count: ROWS });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** The ids of the rows whose messages arrived, one for each arrival. */
  const arrived = (): string[] => world.telegram.messages().map(({ text }) => text);
  const arrivals = (): number => world.telegram.stats().total;

  /** Workers that take jobs. */
  const workers: RoleProcess[] = [];

  /** Starts a worker with its own drain, because the run of a killed worker is taken over only when its lock has expired. */
  async function recruit(): Promise<void> {
    workers.push(await world.startWorker());
    await world.dispatch(TASK);
  }

  /**
   * Rows that arrived without a record. While no lease of a killed worker has run out, these are exactly the sends that were in flight at
   * the kills, between Telegram's answer and the mark.
   */
  async function unnoted(): Promise<Set<string>> {
    const ids = [...new Set(arrived())];
    const marks = await Promise.all(ids.map((id) => world.redisClient.get(keys.notificationSent(id))));
    return new Set(ids.filter((_, i) => marks[i] === null));
  }

  async function due(): Promise<number> {
    const { rows } = await world.pool.query<{ due: number }>(
      "select count(*)::int as due from notification_queue where status = 'pending' and scheduled_at <= now()",
    );
    return rows[0]!.due;
  }

  /** The number of waiting and active runs, including those of killed workers. */
  async function running(): Promise<number> {
    const lists = ['wait', 'active'].map((list) => world.redisClient.llen(`cybervpn:jobs:{notifications}:${list}`));
    return (await Promise.all(lists)).reduce((sum, n) => sum + n, 0);
  }

  test(
    '20 times at random moments: all 10,000 are delivered, and no more of them twice than were in flight at the kills',
    async () => {
      const recruits = [recruit(), recruit(), recruit()];
      // Each kill leaves some hundred rows under leases, so the last one must not wait for the last rows.
      const slice = Math.floor((ROWS * 0.6) / KILLS);
      for (let kill = 1; kill <= KILLS; kill += 1) {
        // A random moment in this kill's part of the drain.
        const moment = kill * slice + randomInt(slice);
        await until(`${moment} have arrived`, () => arrivals() >= moment && workers.length > 1, minutes(1));
        const [victim] = workers.splice(randomInt(workers.length), 1);
        await victim!.kill();
        recruits.push(recruit());
      }
      await Promise.all(recruits);
      await until('all that is not leased is sent', async () => (await due()) === 0, minutes(2));
      // No worker sends any more: an arrival without a record was in flight at a kill.
      await Promise.all(workers.splice(0).map((worker) => worker.stop()));
      const inFlight = await unnoted();

      await expireLeases(world.pool);
      await Promise.all([recruit(), recruit()]);
      await until('all is sent', async () => (await notificationStates(world.pool)).sent === ROWS, minutes(1));
      const all = arrived();
      expect(new Set(all).size).toBe(ROWS);
      expect(all.length - ROWS).toBeLessThanOrEqual(inFlight.size);
    },
    minutes(8),
  );

  test('afterwards nothing is stuck: no job waits or is active, none is dead', async () => {
    await until('the last run has ended', async () => (await running()) === 0, minutes(1));
    const { stdout } = await world.command(['dead-letters', '--json']);
    expect(JSON.parse(stdout)).toEqual([]);
  });
});
