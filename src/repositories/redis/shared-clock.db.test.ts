import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { hours, seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { type LocalRedis, startRedis } from '../../testing/servers/redis.ts';
import { until } from '../../testing/until.ts';
import { connectRedis } from './connection.ts';
import { SharedClock } from './shared-clock.ts';

let server: LocalRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis({ url: server.url, name: 'test', whenDown: 'fail', onError: () => undefined });
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});
afterEach(() => void vi.useRealTimers());

/** The machine's clock, which this test cannot set. */
const rightNow = (): number => performance.timeOrigin + performance.now();
const offBy = (clock: SharedClock): number => Math.abs(clock.now().getTime() - rightNow());

test('a clock of this machine that is wrong, or set meanwhile, does not matter', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: rightNow() + hours(2) });
  using clock = new SharedClock(redis);
  await clock.ask();
  expect(offBy(clock)).toBeLessThan(seconds(1));
  vi.setSystemTime(rightNow() - hours(24));
  expect(offBy(clock)).toBeLessThan(seconds(1));
});

test('while Redis is away it goes on; before Redis has ever answered it is the machine’s own, and is set once it is there', async () => {
  using known = new SharedClock(redis);
  await known.ask();
  await server.stop();
  vi.useFakeTimers({ toFake: ['Date'], now: rightNow() + hours(2) });
  using unknown = new SharedClock(redis);
  await Promise.all([known.ask(), unknown.ask()]);
  expect(offBy(known)).toBeLessThan(seconds(1));
  expect(offBy(unknown)).toBeGreaterThan(hours(1));
  await server.restart();
  await until('it is set', () => offBy(unknown) < seconds(1));
});
