import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PanelNode } from '../../clients/remnawave/types.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { NodeRecord, NodeStatus } from '../../repositories/redis/monitoring/node-health-store.ts';
import { type AlertsOn, judge, type NodeVerdict, statusOf } from './node-health.ts';

const FLAGS: Record<NodeStatus, Pick<PanelNode, 'isConnected' | 'isConnecting' | 'isDisabled'>> = {
  online: { isConnected: true, isConnecting: false, isDisabled: false },
  warning: { isConnected: false, isConnecting: true, isDisabled: false },
  offline: { isConnected: false, isConnecting: false, isDisabled: false },
  maintenance: { isConnected: true, isConnecting: false, isDisabled: true },
};
const node = (status: NodeStatus): PanelNode => ({
  uuid: 'a',
  name: 'A',
  address: 'a.example.test',
  countryCode: 'NL',
  inbounds: [],
  ...FLAGS[status],
});

/** What the alerts are after a call, as `NodeWatch` carries it out. */
function after(on: AlertsOn, call: NodeVerdict['call']): AlertsOn {
  if (call === 'offline' || call === 'settled_down') return { offline: true, unstable: false };
  if (call === 'unstable') return { offline: false, unstable: true };
  return call === undefined ? on : { offline: false, unstable: false };
}

type Step = { status: NodeStatus; afterMs: number };

function play(steps: readonly Step[], check: (verdict: NodeVerdict, on: AlertsOn, step: Step) => void): AlertsOn {
  let now = Date.parse('2026-11-20T10:00:00Z');
  let on: AlertsOn = { offline: false, unstable: false };
  let previous: NodeRecord | undefined;
  for (const step of steps) {
    now += step.afterMs;
    const verdict = judge(node(step.status), previous, on, { now: new Date(now) });
    check(verdict, on, step);
    previous = verdict.record;
    on = after(on, verdict.call);
  }
  return on;
}

const step = fc.record({
  status: fc.constantFrom<NodeStatus>('online', 'warning', 'offline', 'maintenance'),
  afterMs: fc.integer({ min: 1, max: minutes(4) }),
});
const history = fc.array(step, { minLength: 1, maxLength: 60 });
const calm = (status: NodeStatus): Step[] => Array.from({ length: 8 }, () => ({ status, afterMs: minutes(2) }));

describe('the judgement of one look at a node', () => {
  test.each(Object.keys(FLAGS) as NodeStatus[])('knows a node that is %s', (status) => {
    expect(statusOf(FLAGS[status])).toBe(status);
  });

  test('whatever happened before, a node that stays online has no alert on', () => {
    fc.assert(
      fc.property(history, (steps) => {
        expect(play([...steps, ...calm('online')], () => undefined)).toEqual({ offline: false, unstable: false });
      }),
    );
  });

  test('whatever happened before, a node that goes down and stays so is told to be offline', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const down = [...calm('online'), ...calm('offline')];
        expect(play([...steps, ...down], () => undefined)).toEqual({ offline: true, unstable: false });
      }),
    );
  });

  test('nobody is told of a node on its first look, of one that is online, or of one switched off', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let looks = 0;
        play(steps, ({ call, record }, on) => {
          const begins = call !== undefined && !on.offline && after(on, call).offline;
          if (begins) expect(record.status).toBe('offline');
          if (looks === 0) expect(call).toBeUndefined();
          looks += 1;
        });
      }),
    );
  });

  test('a second look is asked for within a minute, and never while an alert says it all', () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, ({ call, lookAgainMs, record }) => {
          if (lookAgainMs === undefined) return;
          expect(lookAgainMs).toBeGreaterThan(0);
          expect(lookAgainMs).toBeLessThanOrEqual(minutes(1));
          if (record.status !== 'online') expect([call, lookAgainMs]).toEqual([undefined, seconds(20)]);
        });
      }),
    );
  });
});
