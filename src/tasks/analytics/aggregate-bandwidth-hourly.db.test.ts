import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../lib/duration.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';

const FIVE_PAST_ONE = new Date('2026-03-14T13:05:00Z');
const iso = (from: string, afterMs: number): string => new Date(Date.parse(from) + afterMs).toISOString();

describe('aggregate_bandwidth_hourly', () => {
  let world: FiguresWorld;
  let uuid: string;
  beforeAll(async () => {
    world = await figuresWorld(FIVE_PAST_ONE.toISOString());
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.clear();
    uuid = await world.node('Amsterdam', [['2026-03-13T00:00:00Z', 'online']], '2026-03-14T13:04:00Z');
  });

  const run = (payload: object = {}, now = FIVE_PAST_ONE) =>
    world.app.run('aggregate_bandwidth_hourly', payload, { now });
  const hour = (name: string) => world.stored(`bandwidth:hourly:${uuid}:${name}`);
  /** A snapshot every five minutes, 40 ms late as real ones are. Each span carries ten times its number in MB. */
  const snapshots = (count: number, without: readonly number[] = []) =>
    world.counter(
      uuid,
      Array.from({ length: count }, (_, i) => i)
        .filter((i) => !without.includes(i))
        .map((i) => [iso('2026-03-14T12:00:00.040Z', minutes(5) * i), 5e6 * i * (i + 1)]),
    );

  test('adds up the hour: bytes, mean, most and least per second, and how many snapshots', async () => {
    await snapshots(13);
    expect(await run({ hour: '2026-03-14T12' })).toMatchObject({
      nodes: 1,
      hours: 1,
      incomplete: 0,
      hour: '2026-03-14T12',
    });
    const record = await hour('2026-03-14T12');
    // 10 + 20 + … + 120 MB, 40 ms of it in the next hour.
    expect(record).toMatchObject({ samples: 12, expected: 12, covered_seconds: 3600 });
    expect(Math.abs((record.sum as number) - 780e6)).toBeLessThan(20_000);
    expect(record.min).toBe(Math.round(10e6 / 300));
    expect(record.max).toBe(Math.round(120e6 / 300));
    expect(Math.abs((record.avg as number) - 780e6 / 3600)).toBeLessThan(5);
  });

  test('a missing snapshot loses no bytes and is stated', async () => {
    await snapshots(13, [4, 5]);
    expect(await run({ hour: '2026-03-14T12' })).toMatchObject({ incomplete: 1 });
    const record = await hour('2026-03-14T12');
    expect(record).toMatchObject({ samples: 10, covered_seconds: 3600 });
    expect(Math.abs((record.sum as number) - 780e6)).toBeLessThan(20_000);
  });

  test('a counter that starts again counts what it shows', async () => {
    await world.counter(uuid, [
      ['2026-03-14T12:00:00Z', 9e12],
      ['2026-03-14T12:05:00Z', 30e6],
      ['2026-03-14T12:10:00Z', 50e6],
    ]);
    await run({ hour: '2026-03-14T12' });
    expect(await hour('2026-03-14T12')).toMatchObject({ sum: 50e6, samples: 2, covered_seconds: 600 });
  });

  test('an hour without snapshots is null with 0 samples, not zero', async () => {
    await run({ hour: '2026-03-14T12' });
    expect(await hour('2026-03-14T12')).toMatchObject({ sum: null, avg: null, max: null, min: null, samples: 0 });
  });

  test('run without an hour it takes the last one and those of a day that nobody worked out; again it changes nothing', async () => {
    await snapshots(13);
    expect(await run()).toMatchObject({ hours: 24, hour: '2026-03-14T12' });
    const first = await hour('2026-03-14T12');
    expect(await run()).toMatchObject({ hours: 1 });
    expect(await hour('2026-03-14T12')).toEqual(first);
  });

  test('raw snapshots past 48 h are dropped, and a node that is gone keeps its hours', async () => {
    await snapshots(13);
    await run();
    await world.app.app.services.nodeHealth.forget([uuid]);
    const result = await run({}, new Date('2026-03-16T12:31:00Z'));
    expect(result).toMatchObject({ nodes: 1, dropped: 7 });
    expect(await hour('2026-03-14T12')).toMatchObject({ samples: 12 });
  });

  test('an hour that is none is refused at the door', async () => {
    await expect(run({ hour: '2026-03-14T24' })).rejects.toThrow(/hour/);
  });
});
