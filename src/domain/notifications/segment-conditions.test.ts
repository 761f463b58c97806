import { describe, expect, test } from 'vitest';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days } from '../../lib/duration.ts';
import { type Segment, SegmentConditions } from '../../lib/segment.ts';
import { asksPanel, meetsAtPanel, meetsAtPlatform } from './segment-conditions.ts';

const now = new Date('2026-03-29T01:30:00Z');
const inDays = (n: number): Date => new Date(now.getTime() + days(n));
const user = (fields: Partial<PanelUser>): PanelUser => ({
  id: '1',
  username: 'anna',
  status: 'ACTIVE',
  expireAt: inDays(5),
  trafficLimitBytes: 0,
  trafficLimitStrategy: 'NO_RESET',
  usedTrafficBytes: 0,
  createdAt: inDays(-100),
  ...fields,
});
const NODE = 'aaaaaaaa-0000-4000-8000-000000000001';
const facts = { now, countries: new Map([[NODE, 'DE']]) };

describe('conditions at the panel', () => {
  test.each<[condition: Segment, meets: Partial<PanelUser>, fails: Partial<PanelUser>]>([
    [{ status: ['EXPIRED', 'LIMITED'] }, { status: 'LIMITED' }, { status: 'ACTIVE' }],
    [{ status: ['ACTIVE'] }, { status: 'ACTIVE' }, { status: 'A_WORD_OF_THE_NEXT_VERSION' }],
    [{ ends: { from_days: 0, to_days: 7 } }, { expireAt: now }, { expireAt: inDays(7) }],
    [{ ends: { to_days: 0 } }, { expireAt: inDays(-1) }, { expireAt: now }],
    [{ ends: { from_days: -14, to_days: -7 } }, { expireAt: inDays(-8) }, { expireAt: inDays(-6) }],
    [{ connected: 'never' }, {}, { onlineAt: inDays(-1) }],
    [{ connected: 'ever' }, { onlineAt: inDays(-1) }, {}],
    [{ silent_days: 30 }, { onlineAt: inDays(-31) }, { onlineAt: inDays(-29) }],
    [{ silent_days: 30 }, { onlineAt: inDays(-31) }, {}],
    [{ tags: ['VIP', 'TEST'] }, { tag: 'TEST' }, {}],
    [{ nodes: [NODE] }, { lastNode: NODE }, { lastNode: 'bbbbbbbb-0000-4000-8000-000000000001' }],
    [{ countries: ['DE'] }, { lastNode: NODE }, {}],
    [{ status: ['ACTIVE'], tags: ['VIP'] }, { tag: 'VIP' }, { tag: 'VIP', status: 'EXPIRED' }],
  ])('%j', (condition, meets, fails) => {
    expect(asksPanel(condition)).toBe(true);
    expect(meetsAtPanel(condition, user(meets), facts)).toBe(true);
    expect(meetsAtPanel(condition, user(fails), facts)).toBe(false);
  });
});

describe('conditions at the platform', () => {
  const PLAN = 'cccccccc-0000-4000-8000-000000000001';
  const paid = (daysAgo: number, planId: string | undefined = PLAN) => ({
    language: 'ru' as const,
    bought: { planId, at: inDays(-daysAgo) },
  });
  const never = { language: 'en' as const };
  test.each<
    [condition: Segment, meets: Parameters<typeof meetsAtPlatform>[1], fails: Parameters<typeof meetsAtPlatform>[1]]
  >([
    [{ languages: ['ru'] }, paid(1), never],
    [{ plans: [PLAN] }, paid(1), paid(1, 'dddddddd-0000-4000-8000-000000000001')],
    [{ plans: [PLAN] }, paid(1), never],
    [{ paid_within_days: 30 }, paid(29), paid(31)],
    [{ paid_within_days: 30 }, paid(29), never],
    [{ not_paid_within_days: 30 }, never, paid(29)],
    [{ not_paid_within_days: 30 }, paid(31), paid(29)],
  ])('%j', (condition, meets, fails) => {
    expect(asksPanel(condition)).toBe(false);
    expect(meetsAtPlatform(condition, meets, now)).toBe(true);
    expect(meetsAtPlatform(condition, fails, now)).toBe(false);
  });
});

test('everybody meets no conditions', () => {
  expect(meetsAtPanel({}, user({ status: 'ANY' }), facts)).toBe(true);
  expect(meetsAtPlatform({}, { language: 'en' }, now)).toBe(true);
});

test.each([
  [{ state: ['ACTIVE'] }, /state/],
  [{ status: [] }, /status/],
  [{ ends: { from: 1 } }, /from/],
  [{ countries: ['Germany'] }, /country code/],
  [{ telegram_ids: [-5] }, /telegram_ids/],
  [{ silent_days: 0 }, /silent_days/],
])('conditions that nobody could mean are refused: %j', (conditions, why) => {
  expect(String(SegmentConditions.safeParse(conditions).error)).toMatch(why);
});
