import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visibleText } from '../lib/telegram-html.ts';
import { anyText } from '../testing/any-text.ts';
import { pictureSvg } from './charts/picture.ts';
import { axisLabels, ticksUpTo, wholeTicksUpTo } from './charts/scale.ts';
import type { DayFigures, Remark } from './figures.ts';
import { dailyReport } from './report-daily.ts';
import { named, sparkline, trend } from './report-lines.ts';
import { weeklyReport } from './report-weekly.ts';
import { MAX_MESSAGE_LENGTH, split } from './split.ts';

const EMPTY: DayFigures = {
  schema: 1,
  date: '2026-03-14',
  users: null,
  bandwidth: null,
  uptime: null,
  payments: null,
  admin_operations: null,
  notifications: null,
  tasks: null,
};
const trends = { newUsers: [], bytes: [] };

describe('lines', () => {
  test('a sparkline goes from lowest to highest, with a dot where nothing is known', () => {
    expect(sparkline([0, 1, null, 7])).toBe('▁▂·█');
    expect(sparkline([null, null])).toBe('');
    expect(sparkline([0, 0])).toBe('▁▁');
  });

  test('a trend has a direction, or nothing to compare with', () => {
    expect([5, -5, 0, null].map((percent) => trend(percent, 'en'))).toEqual([' ▲ 5 %', ' ▼ 5 %', ' = 0 %', '']);
  });

  test('property: a name is one line of at most 40 characters, never empty, whatever it was', () => {
    fc.assert(
      fc.property(anyText(300), (name) => {
        const shown = named(name);
        expect([...shown.replace(/[\u2068\u2069]/g, '')].length).toBeLessThanOrEqual(40);
        expect(shown).not.toMatch(/[\n\r\u202e]/);
        expect(shown.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('charts', () => {
  test.each([
    [0, [0, 1]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 25, 50, 75, 100]],
    [0.3, [0, 0.1, 0.2, 0.3]],
  ])('an axis up to %d has round values', (most, ticks) => {
    expect(ticksUpTo(most)).toEqual(ticks);
  });

  test('there is no half user on an axis', () => {
    for (let most = 0; most < 300; most += 1) expect(wholeTicksUpTo(most).every(Number.isInteger)).toBe(true);
  });

  test('property: the last value of an axis is not below the largest', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), (most) => {
        expect(ticksUpTo(most).at(-1)!).toBeGreaterThanOrEqual(most * (1 - 1e-9));
        expect(ticksUpTo(most).length).toBeLessThanOrEqual(7);
      }),
    );
  });

  test.each([
    [0, ['0', '1'], ['0', '1']],
    [0.3, ['0', '0.1', '0.2', '0.3'], ['0', '0,1', '0,2', '0,3']],
    [8_000, ['0', '2,000', '4,000', '6,000', '8,000'], ['0', '2 000', '4 000', '6 000', '8 000']],
    [45_000, ['0', '20K', '40K', '60K'], ['0', '20 тыс.', '40 тыс.', '60 тыс.']],
    [150_000_000, ['0', '50M', '100M', '150M'], ['0', '50 млн', '100 млн', '150 млн']],
    [8e12, ['0', '2T', '4T', '6T', '8T'], ['0', '2 трлн', '4 трлн', '6 трлн', '8 трлн']],
  ])('an axis up to %d is read at a glance', (most, en, ru) => {
    const plain = (labels: string[]): string[] => labels.map((label) => label.replace(/\s/gu, ' '));
    expect(plain(axisLabels(ticksUpTo(most), 'en'))).toEqual(en);
    expect(plain(axisLabels(ticksUpTo(most), 'ru'))).toEqual(ru);
  });

  test('property: no label of an axis is longer than fits before it', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e15, noNaN: true }), fc.constantFrom('en', 'ru'), (most, locale) => {
        for (const label of axisLabels(ticksUpTo(most), locale)) expect(label.length).toBeLessThanOrEqual(10);
      }),
    );
  });

  test('property: a picture is well-formed whatever the names are', () => {
    fc.assert(
      fc.property(anyText(200), (name) => {
        const svg = pictureSvg({
          title: name,
          subtitle: name,
          locale: 'en',
          charts: [{ kind: 'shares', title: 'Uptime', unit: '%', rows: [{ name, percent: 58.3 }] }],
        });
        // Control characters and lone surrogates are not allowed in XML; `<` and `&` only as markup.
        expect([...svg].filter((character) => character < ' ' || /\p{Cn}/u.test(character))).toEqual([]);
        expect(svg.isWellFormed()).toBe(true);
        expect(svg.replaceAll(/<\/?[a-z]+(?: [\w-]+="[^"<]*")*\/?>|<svg [^<]*>|&(?:amp|lt|gt|quot);/g, '')).not.toMatch(
          /[<&]/,
        );
      }),
    );
  });
});

describe.each(['en', 'ru'] as const)('reports in %s', (locale) => {
  test('a day of which nothing is known says so in every part', () => {
    const text = visibleText(
      dailyReport({ day: EMPTY, trends, overdue: null, deadLetters: null, isBeforeFirst: false }, locale).toString(),
    );
    const unknown = { en: 'no data', ru: 'нет данных' }[locale];
    expect(text.split(unknown).length - 1).toBe(10);
    expect(text).not.toMatch(/: 0|null|undefined|NaN/);
  });

  test('more than one message holds is split into messages that Telegram takes', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`${i} ${'<b>&'.repeat(50)}`, { count: 1, by_currency: {} }]),
    );
    const nodes = Array.from({ length: 300 }, (_, i) => ({
      node_uuid: String(i),
      name: `${i} ${'&'.repeat(200)}`,
      country: 'DE',
      percent: 50,
      online_seconds: 43_200,
      down_seconds: 43_200,
      unknown_seconds: 0,
      incidents: 1,
    }));
    const incidents = nodes.map(({ name, node_uuid }) => ({
      node_uuid,
      name,
      began_at: '2026-03-14T06:00:00.000Z',
      ended_at: null,
    }));
    const payments = {
      by_currency: {},
      by_plan: many,
      by_provider: many,
      total_count: 20,
      failed_count: 0,
      pending_count: 0,
      failure_rate: 0,
      without_backend: 0,
    };
    const day: DayFigures = { ...EMPTY, payments, uptime: { percent: 50, nodes, incidents } };
    const overdue = nodes.map(({ name }) => name);
    const parts = split(dailyReport({ day, trends, overdue, deadLetters: 0, isBeforeFirst: false }, locale).toString());
    for (const part of parts) expect(visibleText(part).length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH);
    expect(visibleText(parts.join(''))).toContain({ en: '… and 295 more', ru: '… и ещё 295' }[locale]);
  });

  test('every finding has advice', () => {
    const findings: Remark[] = [
      { kind: 'node_weak', name: '<b>x</b>', percent: 90, incidents: 3 },
      { kind: 'payments_fail', share: 0.2 },
      { kind: 'income_fell', currency: 'USD', percent: -30 },
      { kind: 'more_leave', gone: 30, came: 20 },
      { kind: 'tasks_fail', share: 0.01, task: 'sync_user_stats' },
      { kind: 'undelivered', share: 0.1, reason: 'blocked' },
      { kind: 'unreachable', share: 0.1 },
      { kind: 'slow_service', service: 'remnawave', meanMs: 3000 },
      { kind: 'days_missing', days: 1 },
    ];
    const none = { newUsers: null, churned: null, active: null, bytes: null, incidents: null, byCurrency: new Map() };
    const missing = { users: [], bandwidth: [], uptime: [], notifications: [], tasks: [] };
    const week = {
      from: '2026-03-09',
      to: '2026-03-15',
      missing,
      known: { users: 7, bandwidth: 7, uptime: 7, notifications: 7, tasks: 7 },
      begins: null,
      users: null,
      payments: null,
      bandwidth: null,
      uptime: null,
      notifications: null,
      tasks: null,
    };
    const html = weeklyReport({ week, trends: none, findings }, locale).toString();
    expect(html).toContain('&lt;b&gt;x&lt;/b&gt;');
    expect(visibleText(html).split('\n  • ')).toHaveLength(findings.length + 1);
  });
});
