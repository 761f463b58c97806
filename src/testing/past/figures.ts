import { createHash } from 'node:crypto';
import { placeOf } from '../../../sandbox/panel/seed.ts';
import { nodeUuidOf } from '../../../sandbox/panel/wire.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { dayOf } from '../../lib/utc-days.ts';
import type { DayFigures } from '../../messages/figures.ts';
import { keys } from '../../repositories/redis/keys.ts';
import type { PastSize } from './tables.ts';

const GIB = 1024 ** 3;

/** Writes what Redis would know of the past: the figures of each day, and deliveries by the hour and by the minute. */
export async function fillPastFigures(
  redis: RedisClient,
  { days: count, nodes, seed }: PastSize,
  now: Date,
): Promise<void> {
  for (let ago = 1; ago <= count; ago += 1) {
    const date = dayOf(new Date(now.getTime() - days(ago)));
    await redis.set(keys.dailyStats(date), JSON.stringify(figuresOf(date, ago, nodes, seed)), 'PX', days(90));
  }
  const thisHour = Math.floor(now.getTime() / hours(1)) * hours(1);
  for (let ago = 1; ago < 168; ago += 1) {
    const at = new Date(thisHour - ago * hours(1));
    const sent = Math.round(900 + 700 * Math.sin((at.getUTCHours() - 8) / 4) + 100 * dice(seed, `hour${ago}`));
    await redis.hset(
      keys.deliveryHour(at.toISOString()),
      'sent',
      sent,
      'failed',
      ago % 31 === 0 ? 40 : Math.round(sent / 300),
    );
    await redis.pexpire(keys.deliveryHour(at.toISOString()), days(8));
  }
  const thisMinute = Math.floor(now.getTime() / minutes(1)) * minutes(1);
  for (let ago = 1; ago < 60; ago += 1) {
    const key = keys.deliveries(new Date(thisMinute - ago * minutes(1)).toISOString());
    await redis.hset(key, 'sent', Math.round(15 + 25 * dice(seed, `minute${ago}`)), 'failed', ago % 17 === 0 ? 1 : 0);
    await redis.pexpire(key, hours(2));
  }
}

/** A number from 0 to 1, by the seed. */
const dice = (seed: string, salt: string): number =>
  createHash('sha256').update(`${seed}:${salt}`).digest().readUInt32BE() / 2 ** 32;

function figuresOf(date: string, ago: number, nodes: number, seed: string): DayFigures {
  const roll = (salt: string): number => dice(seed, `${ago}:${salt}`);
  const isWeekend = new Date(`${date}T00:00:00Z`).getUTCDay() % 6 === 0;
  const busy = isWeekend ? 1.25 : 1;
  const of = Array.from({ length: nodes }, (_, i) => {
    const { countryCode: country, name } = placeOf(i + 1);
    return { node_uuid: nodeUuidOf(i + 1), name, country };
  });
  const traffic = of.map(({ name, node_uuid }, i) => {
    const bytes = Math.round((80 + 60 * roll(`traffic${i}`)) * busy * GIB);
    return { node_uuid, name, bytes, coverage: 1 };
  });
  const uptime = of.map((node, i) => {
    const down = roll(`down${i}`) < 0.12 ? Math.round(3600 * roll(`long${i}`)) : 0;
    const online = 86_400 - down;
    return {
      ...node,
      percent: (online / 86_400) * 100,
      online_seconds: online,
      down_seconds: down,
      unknown_seconds: 0,
      incidents: down > 0 ? 1 : 0,
    };
  });
  const completed = Math.round((9 + 8 * roll('payments')) * busy);
  const failed = Math.round(2 * roll('failed'));
  const amounts = { USD: { count: completed, total: (completed * 5.99).toFixed(2) } };
  const sent = Math.round((400 + 200 * roll('sent')) * busy);
  const blocked = Math.round(6 * roll('blocked'));
  const total = 518 - ago * 3;
  return {
    schema: 1,
    date,
    users: {
      at_end: { taken_at: `${date}T23:59:59Z`, total, active: total - 70, disabled: 22, limited: 8, expired: 40 },
      new: Math.round(4 + 7 * roll('new')),
      churned: Math.round(4 * roll('churned')),
    },
    bandwidth: {
      bytes: traffic.reduce((sum, { bytes }) => sum + bytes, 0),
      coverage: 1,
      nodes: traffic.sort((a, b) => b.bytes - a.bytes),
    },
    uptime: {
      percent: uptime.reduce((sum, { percent }) => sum + percent, 0) / Math.max(1, uptime.length),
      nodes: uptime,
      incidents: uptime
        .filter(({ down_seconds: down }) => down > 0)
        .map(({ down_seconds: down, name, node_uuid }) => ({
          ...{ node_uuid, name, began_at: `${date}T03:10:00.000Z` },
          ended_at: new Date(Date.parse(`${date}T03:10:00Z`) + down * 1000).toISOString(),
        })),
    },
    payments: {
      by_currency: amounts,
      by_provider: { cryptobot: { count: completed, by_currency: amounts } },
      by_purchase: { period: { count: completed, by_currency: amounts } },
      by_plan: { 'plus-30': { count: completed, by_currency: amounts } },
      total_count: completed + failed,
      failed_count: failed,
      pending_count: 0,
      failure_rate: failed / (completed + failed),
      without_backend: 0,
    },
    admin_operations: { 'user.extended': 1 + (ago % 3) },
    notifications: {
      sent,
      failed: ago % 4,
      unreachable: blocked,
      withdrawn: 0,
      by_reason: { blocked, given_up: ago % 4 },
    },
    tasks: {
      succeeded: Math.round(5_000 + 800 * roll('tasks')),
      failed: ago % 5,
      errors: ago % 5 > 0 ? [{ task: 'verify_pending_payments', code: 'cryptobot_timeout', count: ago % 5 }] : [],
      calls: {
        telegram: { count: sent, mean_ms: 90 + 40 * roll('telegram') },
        remnawave: { count: 2_000, mean_ms: 60 + 30 * roll('panel') },
      },
    },
  };
}
