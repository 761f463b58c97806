import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { seconds } from '../../../lib/duration.ts';
import { type TestRedis, testRedis } from '../../../testing/redis.ts';
import { until } from '../../../testing/until.ts';
import { BackendPace } from './backend-pace.ts';

const ANY = Number.MAX_SAFE_INTEGER;

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(() => redis.client.flushall());

const raise = (error: unknown): never => {
  throw error;
};

const pace = (everyMs: number): BackendPace => new BackendPace({ redis: redis.client, everyMs, onFallback: raise });

test('one a minute over all workers, in the order in which they asked', async () => {
  const [here, there] = [pace(60_000), pace(60_000)];
  expect(await here.turn('first', ANY)).toBe(0);
  const second = await there.turn('second', ANY);
  const third = await here.turn('third', ANY);
  expect(second).toBeGreaterThan(0);
  expect(second).toBeLessThanOrEqual(60_000);
  expect(third).toBeGreaterThan(second);
  expect(third).toBeLessThanOrEqual(120_000);
  // A place is kept, wherever its payment is asked for again.
  expect(await there.turn('third', ANY)).toBeLessThanOrEqual(third);
  expect(await here.turn('second', ANY)).toBeLessThanOrEqual(second);
});

test('who does not want to wait so long keeps no place, and delays nobody', async () => {
  const one = pace(60_000);
  await one.turn('first', ANY);
  await one.turn('second', ANY);
  expect(await one.turn('unpaid', 2_000)).toBeGreaterThan(60_000);
  expect(await one.turn('third', ANY)).toBeLessThanOrEqual(120_000);
});

test('nobody waits behind a payment that needs no turn any more', async () => {
  const one = pace(60_000);
  await one.turn('first', ANY);
  await one.turn('completed by its webhook', ANY);
  await one.leave('completed by its webhook');
  expect(await one.turn('third', ANY)).toBeLessThanOrEqual(60_000);
});

test('a place whose caller died holds up nobody behind it', async () => {
  // The first holds the turn for as long as the slowest machine needs to line up the others behind it.
  await pace(3_000).turn('first', ANY);
  const one = pace(20);
  for (const id of ['killed', 'killed, too', 'alive']) expect(await one.turn(id, ANY)).toBeGreaterThan(0);
  // The places of the killed ones stay for two minutes; the one that comes has its turn when its own moment has come.
  await until('it has its turn', async () => (await one.turn('alive', ANY)) === 0, seconds(30));
});

test('twenty over three workers: never closer than the pace', async () => {
  const workers = [pace(30), pace(30), pace(30)];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      until(`it is the turn of ${i}`, async () => (await workers[i % 3]!.turn(`payment ${i}`, ANY)) === 0),
    ),
  );
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19 * 30);
});

test('a pause holds every worker, is never made shorter, and those who waited come one after the other', async () => {
  const [here, there] = [pace(1_000), pace(1_000)];
  await here.turn('first', ANY);
  await here.turn('second', ANY);
  await here.turn('third', ANY);
  await here.pause(30_000);
  await there.pause(5_000);
  const second = await there.turn('second', ANY);
  expect(second).toBeGreaterThan(25_000);
  expect(second).toBeLessThanOrEqual(30_000);
  const third = await there.turn('third', ANY);
  expect(third).toBeGreaterThan(second);
  expect(third).toBeLessThanOrEqual(31_000);
});

test('without Redis the pace holds within the process, and the pause too', async () => {
  const gone = redis.client.duplicate();
  gone.on('error', () => undefined);
  gone.disconnect();
  let fallbacks = 0;
  const alone = new BackendPace({
    redis: gone,
    everyMs: 60_000,
    onFallback() {
      fallbacks += 1;
    },
  });
  expect(await alone.turn('first', ANY)).toBe(0);
  expect(await alone.turn('second', ANY)).toBeGreaterThan(0);
  await alone.pause(120_000);
  expect(await alone.turn('second', ANY)).toBeGreaterThan(60_000);
  expect(fallbacks).toBe(4);
});
