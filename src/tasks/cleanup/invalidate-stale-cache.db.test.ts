import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { backendKeys, keys } from '../../repositories/redis/keys.ts';
import { sorted } from '../../testing/aged-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const NOW = new Date('2026-06-15T04:00:00.000Z');
const at = (ms: number): Date => new Date(NOW.getTime() + ms);
const dateOf = (time: Date): string => time.toISOString().slice(0, 10);
const hourOf = (time: Date): string => time.toISOString().slice(0, 13);
const NODE = '6a1f0c9e-0000-4000-8000-000000000001';

describe('invalidate_stale_cache', () => {
  let world: TestApp;
  let redis: Redis;
  beforeAll(async () => {
    world = await testApp();
    redis = world.redis.client;
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => redis.flushall());

  /** The remaining keys of the families that age: the engine writes keys of its own around every run. */
  const aging = async (): Promise<string[]> =>
    sorted((await redis.keys('*')).filter((key) => /^cybervpn:(stats|bandwidth|cache):/.test(key)));
  const run = (name = 'invalidate_stale_cache') => world.run(name, {}, { now: NOW });

  test('statistics go 90 days after their day is over, and not earlier', async () => {
    await redis.mset({
      [keys.dailyStats(dateOf(at(-days(91))))]: '{}',
      [keys.paymentStats(dateOf(at(-days(91))))]: '{}',
      [keys.dailyStats(dateOf(at(-days(90))))]: '{}',
      [keys.paymentStats(dateOf(NOW))]: '{}',
    });
    expect(await run()).toMatchObject({ removed: 2, scanned: expect.any(Number) });
    expect(await aging()).toEqual(sorted([keys.dailyStats(dateOf(at(-days(90)))), keys.paymentStats(dateOf(NOW))]));
  });

  test('hourly bandwidth goes after 30 days', async () => {
    const [old, young] = [
      keys.bandwidthHourly(NODE, hourOf(at(-days(30) - hours(2)))),
      keys.bandwidthHourly(NODE, hourOf(at(-days(30)))),
    ];
    // The Python worker wrote hashes.
    await redis.hset(old, { sum: '1' });
    await redis.set(young, '{}');
    expect(await run()).toMatchObject({ removed: 1 });
    expect(await aging()).toEqual([young]);
  });

  test('snapshots go after 48 hours, in this form and in the Python worker’s', async () => {
    const score = (ms: number): string => String(at(ms).getTime() / 1000);
    await redis.zadd(keys.bandwidth(NODE), score(-hours(48) - 1), 'old', score(-hours(48)), 'edge', score(0), 'new');
    await redis.set(`${keys.bandwidth(NODE)}:${score(-hours(49))}`, '{}');
    await redis.set(`${keys.bandwidth(NODE)}:${score(-hours(47))}`, '{}');
    expect(await run()).toMatchObject({ removed: 1, trimmed: 1 });
    expect(await redis.zrange(keys.bandwidth(NODE), '0', '-1')).toEqual(['edge', 'new']);
  });

  test('health histories lose what is older than 7 days, whether scored in milliseconds or, by the Python worker, in seconds', async () => {
    const key = keys.nodeHealthHistory(NODE);
    const members = [-days(8), -days(7), -days(6)].flatMap((ms) => [
      [String(at(ms).getTime()), `ms ${ms}`],
      [String(at(ms).getTime() / 1000), `s ${ms}`],
    ]);
    await redis.zadd(key, ...members.flat());
    expect(await run()).toMatchObject({ trimmed: 2, removed: 0 });
    expect(sorted(await redis.zrange(key, '0', '-1'))).toEqual(
      sorted([-days(7), -days(6)].flatMap((ms) => [`ms ${ms}`, `s ${ms}`])),
    );
  });

  test('cache entries without an expiry go; those with one go by themselves', async () => {
    await redis.set(keys.cache('for-ever'), '1');
    await redis.set(keys.cache('a:b:c'), '1', 'PX', days(1));
    expect(await run('cleanup_cache')).toMatchObject({ removed: 1 });
    expect(await aging()).toEqual([keys.cache('a:b:c')]);
  });

  test('what belongs to others is never touched, however old it looks', async () => {
    const theirs = [
      'login_attempts:1.2.3.4',
      'lockout:5',
      'cybervpn:rate_limit:cybervpn:cache:x',
      'cybervpn:tg_auth:1',
      'cybervpn:mobile_auth:2020-01-01',
      'cybervpn:stats:other:2020-01-01',
      'cybervpn:stats:daily:not-a-date',
      'cybervpn:stats:daily:2020-13-45',
      'cybervpn:bandwidth:hourly:n:not-an-hour',
      'cybervpn:health:nodes',
      'cache:x',
      'bull:cleanup:1',
      'taskiq',
      backendKeys.subscriptionCache(NODE),
      backendKeys.cryptobotProcessed('1'),
      keys.lastSuccess(),
      keys.alertsOn(),
    ];
    await redis.mset(Object.fromEntries(theirs.map((key) => [key, '2020-01-01'])));
    expect(await run()).toMatchObject({ removed: 0, trimmed: 0, failed: 0 });
    expect(await redis.exists(...theirs)).toBe(theirs.length);
  });

  test('a key of an unexpected type is counted and stays, and the others are still treated', async () => {
    await redis.set(keys.nodeHealthHistory(NODE), 'not a sorted set');
    await redis.set(keys.cache('x'), '1');
    expect(await run()).toMatchObject({ failed: 1, removed: 1 });
    expect(await redis.get(keys.nodeHealthHistory(NODE))).toBe('not a sorted set');
  });

  test('an empty Redis is no error', async () => {
    expect(await run()).toMatchObject({ removed: 0, trimmed: 0, failed: 0 });
  });

  test('many keys: all that are stale go, and the server sees neither KEYS nor DEL', async () => {
    const stale = Array.from({ length: 3_000 }, (_, n) => keys.cache(`stale:${n}`));
    const fresh = Array.from({ length: 3_000 }, (_, n) => keys.cache(`fresh:${n}`));
    const pipeline = redis.pipeline();
    for (const key of stale) pipeline.set(key, '1');
    for (const key of fresh) pipeline.set(key, '1', 'EX', 3600);
    await pipeline.exec();
    const monitor = await redis.monitor();
    const commands: string[][] = [];
    monitor.on('monitor', (_at, args: string[]) => commands.push(args));
    expect(await run()).toMatchObject({ removed: 3_000 });
    await redis.echo('that is all');
    await until('the server has told of every command', () => commands.some(([, word]) => word === 'that is all'));
    monitor.disconnect();
    const names = commands.map(([name]) => name!.toLowerCase());
    expect(names.filter((name) => /^(keys|flush|sort|eval|del$)/.test(name))).toEqual([]);
    const aboutCache = commands
      .filter(([, key]) => key?.startsWith(keys.cache('')))
      .map(([name]) => name!.toLowerCase());
    expect(sorted(new Set(aboutCache))).toEqual(['pttl', 'unlink']);
    const scans = commands.filter(([name]) => name!.toLowerCase() === 'scan');
    expect(scans.length).toBeGreaterThan(5);
    expect(scans.every((args) => Number(args.at(-1)) <= 1_000)).toBe(true);
    expect(await aging()).toEqual(sorted(fresh));
  });

  test('exactly what is past its time goes, at any time of day', async () => {
    const ages = fc.array(fc.integer({ min: -days(120), max: days(1) }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(ages, async (offsets) => {
        await redis.flushall();
        const expected = new Set<string>();
        for (const offset of offsets) {
          const time = at(offset);
          const day = keys.dailyStats(dateOf(time));
          const hour = keys.bandwidthHourly(NODE, hourOf(time));
          await redis.mset(day, '{}', hour, '{}');
          if (Date.parse(dateOf(time)) + days(91) >= NOW.getTime()) expected.add(day);
          if (Math.floor(time.getTime() / hours(1)) * hours(1) + hours(1) + days(30) >= NOW.getTime())
            expected.add(hour);
        }
        await run();
        expect(await aging()).toEqual(sorted(expected));
      }),
      { numRuns: 20 },
    );
  });

  test('stops when its signal fires', async () => {
    const stop = AbortSignal.abort(new Error('shutdown'));
    await redis.set(keys.cache('x'), '1');
    await expect(world.run('invalidate_stale_cache', {}, { now: NOW, signal: stop })).rejects.toThrow('shutdown');
    expect(await redis.exists(keys.cache('x'))).toBe(1);
  });
});
