import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes, seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';

describe('how a worker ends', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => {
    world.telegram.faults();
    world.telegram.reset();
  });

  /** Resolves once the job is being sent: its request is at the sandbox. */
  async function sending(): Promise<string> {
    const id = await world.dispatch('send_notification', { telegram_id: 5, message: 'hello' });
    await until('its request is held', () => world.telegram.held() === 1);
    return id;
  }
  const active = () => world.redisClient.lrange('cybervpn:jobs:{notifications}:active', 0, -1);
  /** Urgent jobs wait in a set of their own. */
  const waiting = () => world.redisClient.zrange('cybervpn:jobs:{notifications}:prioritized', '0', '-1');
  const delivered = (chatId = 5) => world.telegram.messages({ chatId }).length;

  test('SIGTERM lets a running job finish, and no other begin', async () => {
    const worker = await world.startWorker();
    world.telegram.faults({ kind: 'latency', ms: minutes(1), path: 'sendMessage' });
    await sending();
    worker.signal('SIGTERM');
    await worker.untilLogged(({ msg }) => msg === 'worker is stopping');
    const late = await world.dispatch('send_notification', { telegram_id: 6, message: 'too late' });
    world.telegram.faults();

    expect(await worker.ended).toEqual({ code: 0, signal: null });
    expect(delivered()).toBe(1);
    expect(delivered(6)).toBe(0);
    expect(await active()).toEqual([]);
    expect(await waiting()).toEqual([late]);
    await world.redisClient.flushall();
  });

  test('what is not done 10 s after SIGTERM is handed back, and another worker takes it at once', async () => {
    const worker = await world.startWorker();
    world.telegram.faults({ kind: 'hang', path: 'sendMessage' });
    const id = await sending();
    const stoppedAt = performance.now();
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    const tookMs = performance.now() - stoppedAt;
    expect(tookMs).toBeGreaterThan(seconds(9));
    expect(tookMs).toBeLessThan(seconds(14));
    expect(await waiting()).toEqual([id]);
    expect(await active()).toEqual([]);

    world.telegram.faults();
    const startedAt = performance.now();
    await using _next = await world.startWorker();
    await until('it is delivered', () => delivered() === 1);
    expect(performance.now() - startedAt).toBeLessThan(seconds(10));
  });

  test('a job whose worker was killed runs again within 60 s', async () => {
    const worker = await world.startWorker();
    world.telegram.faults({ kind: 'hang', path: 'sendMessage' });
    await sending();
    await worker.kill();
    const killedAt = performance.now();
    world.telegram.faults();

    await using _next = await world.startWorker();
    await until('it is delivered', () => delivered() === 1, seconds(60));
    expect(performance.now() - killedAt).toBeLessThan(seconds(60));
  });
});
