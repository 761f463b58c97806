import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dayFigures } from '../../domain/figures/day-figures.ts';
import { visibleText } from '../../lib/telegram-html.ts';
import { daysUpTo } from '../../lib/utc-days.ts';
import type { DayFigures } from '../../messages/figures.ts';
import { DailyStats } from '../../repositories/redis/figures/daily-stats.ts';
import { type FiguresWorld, figuresWorld } from '../../testing/figures-world.ts';

const MONDAY = new Date('2026-03-16T07:00:00Z');
const SUNDAY = '2026-03-15';
const GIB = 1024 ** 3;

type Simple = { new: number; churned: number; active: number; gib: number; down?: number };

/** A day with two nodes, of which the second was down for so long. */
function day(date: string, { active, churned, down = 0, gib, new: fresh }: Simple): DayFigures {
  const node = (name: string, seconds: number) => ({
    node_uuid: name,
    name,
    country: 'DE',
    percent: ((86_400 - seconds) / 86_400) * 100,
    online_seconds: 86_400 - seconds,
    down_seconds: seconds,
    unknown_seconds: 0,
    incidents: seconds > 0 ? 1 : 0,
  });
  return {
    schema: 1,
    date,
    users: {
      at_end: { taken_at: `${date}T23:59:59.999Z`, total: active + 10, active, disabled: 0, limited: 0, expired: 10 },
      new: fresh,
      churned,
    },
    bandwidth: {
      bytes: gib * GIB,
      coverage: 1,
      nodes: [{ node_uuid: 'Alpha', name: 'Alpha', bytes: gib * GIB, coverage: 1 }],
    },
    uptime: { percent: 100, nodes: [node('Alpha', 0), node('Beta', down)], incidents: [] },
    payments: null,
    admin_operations: {},
    notifications: { sent: 100, failed: 0, unreachable: 2, withdrawn: 0, by_reason: { blocked: 2 } },
    tasks: {
      succeeded: 1000,
      failed: 1,
      errors: [{ task: 'sync_user_stats', code: 'x', count: 1 }],
      calls: { remnawave: { count: 100, mean_ms: 50 } },
    },
  };
}

describe('generate_weekly_report', () => {
  let world: FiguresWorld;
  const dates = daysUpTo(SUNDAY, 14);
  beforeAll(async () => {
    world = await figuresWorld('2026-03-16T07:00:00Z');
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.clear());

  const run = (payload: object = {}, now = MONDAY) => world.app.run('generate_weekly_report', payload, { now });
  const text = async (): Promise<string> => visibleText((await world.told())[0] ?? '');
  /** This week 10 new users and 100 GiB a day, last week 8 and 125; Tuesday one node is down for 10 h. */
  async function liveGoldenWeek(without?: string): Promise<void> {
    const stats = new DailyStats<DayFigures>(world.app.redis.client, dayFigures);
    for (const [i, date] of dates.entries()) {
      const isNow = i >= 7;
      if (date !== without) {
        await stats.save(
          isNow
            ? day(date, { new: 10, churned: 3, active: 200 + i, gib: 100, down: date === '2026-03-10' ? 36_000 : 0 })
            : day(date, { new: 8, churned: 3, active: 150, gib: 125 }),
        );
      }
      await world.pay({ at: `${date}T12:00:00Z`, due: isNow ? '10.10' : '14.00', currency: 'USD', plan: 'Plus' });
    }
    await world.pay(
      { at: '2026-03-15T23:59:59.999Z', due: '300', currency: 'RUB' },
      { at: '2026-03-16T00:00:00Z', due: '9999', currency: 'RUB' },
    );
  }

  test('the golden week: sums, trends against the week before, sparklines, worst nodes and response times', async () => {
    await liveGoldenWeek();
    expect(await run()).toEqual({ queued: 1, pictures: 1, refused: 0, week_until: SUNDAY });
    const told = await text();
    for (const line of [
      '📈 Weekly report 2026-03-09 – 2026-03-15',
      'New: 70 ▲ 25 % ███████',
      'Churned: 21 = 0 %',
      // 213 against 150
      'Active at the end: 213 ▲ 42 %',
      // 70.70 against 98.00
      '70.70 USD (7 payments) ▼ 28 %',
      '300.00 RUB (1 payment)',
      '700 GiB ▼ 20 % ███████',
      // 14 node days less 10 h: 97.02 %
      'Uptime: 97 %',
      'Incidents: 1',
      '• Beta: 1 × 🚨, 94 %, down 10 h',
      'Remnawave: 50 ms (700 requests)',
      'Sent: 700 (100 %), given up: 0',
      'Cannot be reached: 14, taken back: 0',
      'Done: 7,000, failed: 7 (0.1 %)',
      '💡 Recommendations\n  • Beta: 94 % uptime, 1 outage.',
    ]) {
      expect(told).toContain(line);
    }
    expect(told).not.toContain('9,999');
    expect(told).not.toContain('Days without data');
  });

  test('a week with a missing day says so, counts the rest, and takes the missing day for no fall', async () => {
    await liveGoldenWeek('2026-03-11');
    await run();
    const told = await text();
    expect(told).toContain('New: 60 ▲ 25 % ██·████');
    expect(told).toContain('600 GiB ▼ 20 % ██·████');
    expect(told).toContain('Days without data, not counted above\n  • users: 2026-03-11\n  • traffic: 2026-03-11');
    expect(told).toContain('Figures are incomplete for 1 day.');
    // Payments come from the table, which has the day.
    expect(told).toContain('70.70 USD (7 payments)');
  });

  test('a week in which the worker began: the days before are named as such, not as missing, and are no fall', async () => {
    const stats = new DailyStats<DayFigures>(world.app.redis.client, dayFigures);
    for (const date of ['2026-03-13', '2026-03-14', '2026-03-15'])
      await stats.save(day(date, { new: 10, churned: 3, active: 200, gib: 100 }));
    // What the first run of aggregate_daily_stats makes of days before it: payments and rows can still be counted, nothing else.
    const before = { ...day('2026-03-12', { new: 0, churned: 0, active: 0, gib: 0 }), bandwidth: null, uptime: null };
    await stats.save({ ...before, users: { at_end: null, new: 1, churned: 0 }, tasks: null });
    await run();
    const told = await text();
    expect(told).toContain('The worker has figures since 2026-03-13; earlier days are not known and not counted.');
    expect(told).not.toContain('Days without data');
    expect(told).not.toContain('incomplete');
    expect(told).toContain('300 GiB');
    expect(told).toContain('nothing out of the ordinary');
  });

  test('after Redis was emptied, or on a first Monday, the week is not known, and nothing is missing', async () => {
    await run();
    const told = await text();
    expect(told).toContain('The worker does not know this week');
    expect(told).not.toContain('2026-03-11');
    expect(told).not.toContain('incomplete');
  });

  test('without any data it says so', async () => {
    await run();
    const told = await text();
    expect(told).toMatch(/Users\n {2}no data/);
    expect(told).toMatch(/Nodes\n {2}no data/);
    expect(told).toMatch(/Traffic\n {2}no data/);
    expect(told).toContain('no completed payments');
  });

  test('late on Tuesday it is still the same week, and nobody gets it twice', async () => {
    await liveGoldenWeek();
    await run();
    expect(await run({}, new Date('2026-03-17T09:00:00Z'))).toEqual({
      queued: 0,
      pictures: 0,
      refused: 0,
      week_until: SUNDAY,
    });
    expect(await run({ date: '2026-03-11' })).toMatchObject({ queued: 0 });
    expect(await world.told()).toHaveLength(1);
  });

  test('in Russian, with a picture', async () => {
    await using russian = await figuresWorld('2026-03-16T07:00:00Z', { DEFAULT_LOCALE: 'ru' });
    await russian.app.run('generate_weekly_report', {}, { now: MONDAY });
    expect((await russian.told())[0]).toContain('📈 <b>Отчёт за неделю</b> 2026-03-09 – 2026-03-15');
    expect(russian.app.telegram.messages()).toMatchObject([
      { method: 'sendPhoto', text: 'Отчёт за неделю 2026-03-09 – 2026-03-15' },
    ]);
  });
});
