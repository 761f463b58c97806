import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../../sandbox/faults.ts';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days, hours, seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { never, testPanel } from '../../testing/test-panel.ts';
import { isAnswerLost } from './errors.ts';
import type { Panel } from './panel.ts';
import type { PanelUserStatus } from './types.ts';

/** Every call that changes one user (`clients/lost-answers.test.ts` has those that change many), with the part of the path that it alone has, the user before, and what it answers once it is done. */
type Act = { name: string; path: string; status: PanelUserStatus; call(panel: Panel, id: string): Promise<unknown> };
const UNTIL = new Date(Date.now() + days(400));
const ACTS: readonly Act[] = [
  { name: 'disable', path: '/actions/disable', status: 'ACTIVE', call: (panel, id) => panel.disable(id, never) },
  { name: 'enable', path: '/actions/enable', status: 'DISABLED', call: (panel, id) => panel.enable(id, never) },
  {
    name: 'reset traffic',
    path: '/actions/reset-traffic',
    status: 'ACTIVE',
    call: (panel, id) => panel.resetTraffic(id, never),
  },
  { name: 'delete', path: '/api/users', status: 'ACTIVE', call: (panel, id) => panel.delete(id, never) },
  ...(['ACTIVE', 'EXPIRED'] as const).map((status) => ({
    name: `extend ${status}`,
    path: '/api/users',
    status,
    call: async (panel: Panel, id: string) => extended(await panel.extendTo(id, UNTIL, never)),
  })),
  ...(['DISABLED', 'LIMITED'] as const).map((status) => ({
    name: `extend ${status}, and what follows`,
    path: '/actions/',
    status,
    call: async (panel: Panel, id: string) => extended(await panel.extendTo(id, UNTIL, never)),
  })),
];
const extended = (user: { status: string; expireAt: Date } | undefined) =>
  user?.status === 'ACTIVE' && user.expireAt.getTime() === UNTIL.getTime() ? 'done' : user;

const AFTER: readonly Fault['kind'][] = ['cut_after', 'error_after', 'hang_after'];
const BEFORE: readonly Fault['kind'][] = ['reset', 'error', 'hang'];

describe.each([2, 3] as const)('panel %i.x, and an answer is lost', (generation) => {
  let sandbox: PanelSandbox;
  beforeEach(async () => {
    sandbox = await startPanelSandbox({ generation, startAt: new Date(Date.now() - hours(1)) });
  });
  afterEach(() => sandbox.stop());

  function userWho(status: PanelUserStatus): string {
    const user = sandbox.addUser({
      username: 'alice',
      status,
      expireAt: Date.now() + days(status === 'EXPIRED' ? -2 : 9),
      trafficLimitBytes: 100,
      usedTrafficBytes: status === 'LIMITED' ? 200 : 50,
    });
    return generation === 2 ? user.uuid : String(user.id);
  }
  const mutations = () => sandbox.calls().mutations.map(({ route }) => route);

  describe.each(ACTS)('$name', ({ call, path, status }) => {
    test.each(AFTER)('%s: it is looked at and was done, once', async (kind) => {
      const { panel } = testPanel(sandbox, { timeLimitMs: 400 });
      const id = userWho(status);
      await panel.version(never);
      sandbox.faults({ kind, path, count: 1 } as Fault);
      expect(await call(panel, id)).toBe('done');
      expect(new Set(mutations()).size).toBe(mutations().length);
      expect(mutations().length).toBeGreaterThan(0);
    });

    test.each(BEFORE)('%s, and nothing was done: that is seen too, and the next try does it', async (kind) => {
      const { panel } = testPanel(sandbox, { timeLimitMs: 400 });
      const id = userWho(status);
      await panel.version(never);
      sandbox.faults({ kind, path, count: 1 } as Fault);
      const asking = call(panel, id);
      await expect(asking).rejects.toBeInstanceOf(TransientError);
      expect(isAnswerLost(await asking.catch((error: unknown) => error))).toBe(true);
      sandbox.faults();
      expect(await call(panel, id)).toBe('done');
      expect(new Set(mutations()).size).toBeGreaterThanOrEqual(mutations().length - 1);
    });
  });

  test('and the look fails too: the outcome stays unknown, and nobody says that it was done or not', async () => {
    const { panel } = testPanel(sandbox);
    const id = userWho('ACTIVE');
    await panel.version(never);
    sandbox.faults({ kind: 'cut_after', path: '/actions/disable', count: 1 });
    sandbox.faults({ kind: 'error', status: 502, path: `/api/users/` });
    const error = await panel.disable(id, never).catch((reason: unknown) => reason);
    expect(isAnswerLost(error)).toBe(true);
    expect(sandbox.user('alice')!.status).toBe('DISABLED');
  });

  test('where the panel refused, lets us wait or was not called, nothing was done', async () => {
    const { panel } = testPanel(sandbox, { failuresToOpen: 1, halfOpenAfterMs: seconds(60) });
    const id = userWho('ACTIVE');
    await panel.version(never);
    const failing = async (fault?: Fault) => {
      if (fault) sandbox.faults(fault);
      const error = await panel.disable(id, never).catch((reason: unknown) => reason);
      sandbox.faults();
      return error;
    };
    const refused = await failing({ kind: 'error', status: 400, body: { message: 'no', errorCode: 'A001' } });
    const limited = await failing({ kind: 'rate_limited' });
    const unsent = await failing();
    for (const error of [refused, limited, unsent]) {
      expect(error).toBeInstanceOf(Error);
      expect(isAnswerLost(error)).toBe(false);
    }
    expect(mutations()).toEqual([]);
  });
});
