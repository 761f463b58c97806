import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DayFigures } from '../../messages/figures.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';
import { GOLDEN_DAY, HOSTILE, liveGoldenDay } from '../../testing/golden-day.ts';

const AFTER_MIDNIGHT = new Date('2026-03-15T00:05:00Z');

describe('aggregate_daily_stats', () => {
  let world: FiguresWorld;
  beforeAll(async () => {
    world = await figuresWorld('2026-03-15T00:05:00Z');
    await world.clear();
    await liveGoldenDay(world);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.app.redis.client.del(`cybervpn:stats:daily:${GOLDEN_DAY}`));

  const run = (payload: object, now = AFTER_MIDNIGHT, enqueuedAt = now) =>
    world.app.run('aggregate_daily_stats', payload, { now, enqueuedAt });
  const figures = async (): Promise<DayFigures> => (await world.stored(`stats:daily:${GOLDEN_DAY}`)) as DayFigures;

  test('every figure of the golden day is what was worked out by hand', async () => {
    expect(await run({ date: GOLDEN_DAY })).toEqual({ days: 1, unknown: 0, incidents: 2, dates: [GOLDEN_DAY] });
    expect(await figures()).toMatchObject({
      date: GOLDEN_DAY,
      users: {
        at_end: { taken_at: AFTER_MIDNIGHT.toISOString(), total: 7, active: 3, limited: 1, disabled: 1, expired: 2 },
        new: 2,
        churned: 1,
      },
      payments: {
        by_currency: {
          USD: { count: 2, total: '11.98' },
          RUB: { count: 1, total: '449.1' },
          XTR: { count: 1, total: '250' },
        },
        by_plan: {
          Plus: { count: 2, by_currency: { USD: { count: 2, total: '11.98' } } },
          '<i>Месяц</i>': { count: 1 },
          none: { count: 1 },
        },
        by_provider: { cryptobot: { count: 2 }, yookassa: { count: 1 }, telegram_stars: { count: 1 } },
        total_count: 4,
        failed_count: 2,
        pending_count: 1,
        failure_rate: 0.3333,
        without_backend: 1,
      },
      admin_operations: { 'user.update': 2, 'plan.create': 1 },
      notifications: { sent: 2, failed: 0, unreachable: 3, withdrawn: 0, by_reason: { blocked: 2, unreachable: 1 } },
      tasks: {
        succeeded: 95,
        failed: 5,
        errors: [
          { task: 'send_notification', code: 'telegram_unavailable', count: 3 },
          { task: 'sync_user_stats', code: 'panel_timeout', count: 2 },
        ],
        calls: { remnawave: { count: 10, mean_ms: 120 } },
      },
    });
  });

  test('uptime comes from intervals: down 10 h is 58.33 %, an admin’s switch and the time before a node was there count nowhere', async () => {
    await run({ date: GOLDEN_DAY });
    const { uptime } = await figures();
    const byName = new Map(uptime!.nodes.map((node) => [node.name, node]));
    expect(byName.get('Amsterdam 1')).toMatchObject({
      percent: 100,
      down_seconds: 0,
      unknown_seconds: 0,
      incidents: 0,
    });
    expect(byName.get(HOSTILE)).toMatchObject({ percent: 58.33, down_seconds: 36_000, incidents: 1 });
    expect(byName.get('سيرفر القاهرة')).toMatchObject({ percent: 95.83, down_seconds: 1800, incidents: 1 });
    expect(byName.get('Dublin')).toMatchObject({ percent: 100, unknown_seconds: 64_800 });
    // 55.5 h up (24 + 14 + 11.5 + 6), 10.5 h down
    expect(uptime!.percent).toBe(84.09);
    expect(uptime!.incidents).toMatchObject([
      { name: HOSTILE, began_at: '2026-03-14T06:00:00.000Z', ended_at: '2026-03-14T16:00:00.000Z' },
      { name: 'سيرفر القاهرة', began_at: '2026-03-14T23:30:00.000Z', ended_at: null },
    ]);
  });

  test('traffic across midnight counts by its share, a counter that starts again is neither negative nor huge, and what is not covered is stated', async () => {
    await run({ date: GOLDEN_DAY });
    const { bandwidth } = await figures();
    expect(bandwidth).toMatchObject({
      bytes: 620_000_000 + 206_280_000,
      coverage: 0.5,
      nodes: [
        { name: HOSTILE, bytes: 620_000_000, coverage: 1 },
        { name: 'Amsterdam 1', bytes: 206_280_000, coverage: 1 },
      ],
    });
  });

  test('run again, at once or hours later, a day has the same figures', async () => {
    await run({ date: GOLDEN_DAY });
    const first = await figures();
    await run({ date: GOLDEN_DAY });
    world.panel.changeUser('limited', { status: 'ACTIVE' });
    await Promise.all([run({ date: GOLDEN_DAY }, new Date('2026-03-15T06:00:00Z')), run({ date: GOLDEN_DAY })]);
    expect(await figures()).toEqual(first);
    world.panel.changeUser('limited', { status: 'LIMITED' });
  });

  test('a run after a crash in the middle fills in what is missing and leaves what is known', async () => {
    const cut = new AbortController();
    const running = world.app.run(
      'aggregate_daily_stats',
      { date: GOLDEN_DAY },
      { now: AFTER_MIDNIGHT, signal: cut.signal },
    );
    cut.abort(new Error('killed'));
    await running.catch(() => undefined);
    await run({ date: GOLDEN_DAY });
    expect(await figures()).toMatchObject({ users: { new: 2 }, bandwidth: { bytes: 826_280_000 } });
  });

  test('running late takes the day before it was due, also across midnight, and makes up for days that were left out', async () => {
    const result = await run({}, new Date('2026-03-16T09:00:00Z'), new Date('2026-03-15T00:05:00Z'));
    expect(result.dates).toContain(GOLDEN_DAY);
    expect(result.dates).toHaveLength(7);
    expect(result.dates).not.toContain('2026-03-15');
    const again = await run({}, new Date('2026-03-15T01:00:00Z'));
    expect(again.dates).toEqual([GOLDEN_DAY]);
    // More than a day after the day's end, the panel's users by status are no longer those of that day.
    await world.app.redis.client.del(`cybervpn:stats:daily:${GOLDEN_DAY}`);
    await run({ date: GOLDEN_DAY }, new Date('2026-03-16T09:00:00Z'));
    expect((await figures()).users).toEqual({ at_end: null, new: 2, churned: 1 });
  });

  test('a source without an answer is null, not zero, and does not wipe out what was known', async () => {
    world.panel.faults({ kind: 'error', status: 503 });
    expect(await run({ date: GOLDEN_DAY })).toMatchObject({ unknown: 1 });
    expect((await figures()).users).toBeNull();
    world.panel.faults();
    await run({ date: GOLDEN_DAY });
    world.panel.faults({ kind: 'error', status: 503 });
    await run({ date: GOLDEN_DAY });
    world.panel.faults();
    expect((await figures()).users).toMatchObject({ new: 2 });
  });

  test('a day of which nothing is known says so in every part that has a source to be missing', async () => {
    await run({ date: '2025-01-01' });
    const day = (await world.stored('stats:daily:2025-01-01')) as DayFigures;
    expect(day).toMatchObject({ bandwidth: null, tasks: null, users: { at_end: null, new: 0 } });
    expect(day.uptime?.percent ?? null).toBeNull();
  });
});
