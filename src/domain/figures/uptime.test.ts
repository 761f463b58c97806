import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hours } from '../../lib/duration.ts';
import { intervalOfDay } from '../../lib/utc-days.ts';
import type { NodeChange, NodeStatus } from '../../repositories/redis/monitoring/node-health-store.ts';
import { outagesIn, stretchesOf, uptimeOf } from './uptime.ts';

const DAY = intervalOfDay('2026-03-14');
const at = (hour: number): Date => new Date(DAY.from.getTime() + hours(hour));
const online = { status: 'online' as const, since: at(-100), seenAt: at(24) };

/** Changes in order, each knowing what was before. */
const changes = (...steps: [hour: number, status: NodeStatus][]): NodeChange[] =>
  steps.map(([hour, status], i) => ({ at: at(hour), status, previousStatus: steps[i - 1]?.[1] }));
const uptime = (all: readonly NodeChange[], now: Parameters<typeof stretchesOf>[1]) =>
  uptimeOf(stretchesOf(all, now, DAY), DAY);

describe('uptime', () => {
  test('down 10 h of a day is 58.33 %', () => {
    expect(uptime(changes([-50, 'online'], [6, 'offline'], [16, 'online']), online).percent).toBe(58.33);
  });

  test('a node without changes was all day what it is', () => {
    expect(uptime([], online)).toMatchObject({ percent: 100, unknownSeconds: 0 });
    expect(uptime([], { ...online, status: 'offline' })).toMatchObject({ percent: 0 });
  });

  test('what it was before the first kept change is what that change came from', () => {
    expect(uptime([{ at: at(12), status: 'online', previousStatus: 'offline' }], online).percent).toBe(50);
    expect(uptime([{ at: at(30), status: 'online', previousStatus: 'offline' }], online).percent).toBe(0);
  });

  test('time before it was first seen and after nobody looked any more is unknown, not down', () => {
    expect(uptime(changes([12, 'online']), { ...online, seenAt: at(18) })).toMatchObject({
      percent: 100,
      unknownSeconds: 18 * 3600,
    });
    expect(uptime([], undefined)).toMatchObject({ percent: null, unknownSeconds: 86_400 });
  });

  test('an admin’s switch counts neither way, connecting is down', () => {
    const all = changes([-50, 'online'], [6, 'maintenance'], [18, 'warning'], [21, 'online']);
    expect(uptime(all, online).percent).toBe(75);
  });

  test('property: the parts of a day add up to it, whatever happened', () => {
    const status = fc.constantFrom<NodeStatus>('online', 'offline', 'warning', 'maintenance');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -200, max: 48 }), status), { maxLength: 20 }),
        fc.integer({ min: -10, max: 60 }),
        (steps, seen) => {
          const all = changes(...steps.sort(([a], [b]) => a - b));
          const last = all.at(-1);
          const stretches = stretchesOf(all, last && { status: last.status, since: last.at, seenAt: at(seen) }, DAY);
          const { downSeconds, onlineSeconds, unknownSeconds } = uptimeOf(stretches, DAY);
          const maintenance = uptimeOf(
            stretches.map((one) => ({ ...one, status: one.status === 'maintenance' ? 'online' : 'unknown' })),
            DAY,
          );
          expect(downSeconds + onlineSeconds + unknownSeconds + maintenance.onlineSeconds).toBe(86_400);
        },
      ),
    );
  });
});

describe('incidents', () => {
  const outages = (all: readonly NodeChange[]) =>
    outagesIn(stretchesOf(all, online, { from: at(-168), to: DAY.to }), DAY).map(({ beganAt, endedAt }) => [
      (beganAt.getTime() - DAY.from.getTime()) / hours(1),
      endedAt && (endedAt.getTime() - DAY.from.getTime()) / hours(1),
    ]);

  test('connecting, offline, connecting, online is one', () => {
    expect(outages(changes([-50, 'online'], [1, 'warning'], [2, 'offline'], [3, 'warning'], [4, 'online']))).toEqual([
      [1, 4],
    ]);
  });

  test('only connecting is none; one that began the day before belongs to that day; one that lasts has no end', () => {
    expect(outages(changes([-50, 'online'], [1, 'warning'], [2, 'online']))).toEqual([]);
    expect(outages(changes([-50, 'online'], [-1, 'offline'], [2, 'online']))).toEqual([]);
    expect(outages(changes([-50, 'online'], [23, 'offline']))).toEqual([[23, undefined]]);
  });
});
