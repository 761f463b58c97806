import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { collect, never, testPanel } from '../../testing/test-panel.ts';
import type { SharedVersion } from './connection.ts';
import type { Panel } from './panel.ts';
import type { PanelUser } from './types.ts';

const WAYS = ['there', 'back'] as const;
const until = new Date(Date.now() + days(30));

/** Calls that name nobody by an id. */
const ANEW: readonly [string, (panel: Panel, known: PanelUser) => Promise<unknown>, unknown][] = [
  ['users', (panel) => collect(panel.users({}, never)), [{ username: 'anna' }, { username: 'boris' }]],
  ['again', (panel, known) => panel.again(known, never), { username: 'anna', status: 'ACTIVE' }],
  ['usersByTelegramId', (panel) => panel.usersByTelegramId(5, never), { items: [{ username: 'anna' }] }],
  ['userByUsername', (panel) => panel.userByUsername('anna', never), { username: 'anna' }],
  ['userByShortUuid', (panel, known) => panel.userByShortUuid(known.shortUuid!, never), { username: 'anna' }],
];

/** Calls that do. */
const BY_ID: readonly [string, (panel: Panel, id: string) => Promise<unknown>][] = [
  ['user', (panel, id) => panel.user(id, never)],
  ['disable', (panel, id) => panel.disable(id, never)],
  ['enable', (panel, id) => panel.enable(id, never)],
  ['resetTraffic', (panel, id) => panel.resetTraffic(id, never)],
  ['delete', (panel, id) => panel.delete(id, never)],
  ['extendTo', (panel, id) => panel.extendTo(id, until, never)],
  ['bulkResetTraffic', (panel, id) => panel.bulkResetTraffic([id], never)],
  ['bulkDelete', (panel, id) => panel.bulkDelete([id], never)],
];

describe.each(WAYS)('the panel is upgraded in place, %s', (way) => {
  let sandbox: PanelSandbox;
  beforeEach(async () => {
    sandbox = await startPanelSandbox({ generation: 2 });
    sandbox.addUser({ username: 'anna', telegramId: 5, expireAt: Date.now() + days(1) });
    sandbox.addUser({ username: 'boris', expireAt: Date.now() + days(1) });
    if (way === 'back') sandbox.upgrade();
  });
  afterEach(() => sandbox.stop());

  const replace = (): void => (way === 'there' ? sandbox.upgrade() : sandbox.restore());

  /** Somebody who was read before the change, and the panel as it was known then. */
  async function known(shared?: SharedVersion): Promise<{ panel: Panel; anna: PanelUser }> {
    const { panel } = testPanel(sandbox, {}, shared);
    const [anna] = await collect(panel.users({}, never));
    return { panel, anna: anna! };
  }

  test.each(ANEW)('%s: the call that meets the other one is made again, and answers', async (_, call, found) => {
    const { anna, panel } = await known();
    replace();
    const answered = await call(panel, anna);
    expect(answered).toMatchObject(found as object);
  });

  test.each(BY_ID)('%s by an id of before: nothing is done, and no attempt is used', async (_, call) => {
    const { anna, panel } = await known();
    replace();
    const users = sandbox.users();
    await expect(call(panel, anna.id)).rejects.toThrow(SnoozeError);
    expect(sandbox.users()).toEqual(users);
    // The next run would be wrong to take the id for somebody, or for gone.
    expect(await panel.canHave(anna.id, never)).toBe(false);
    for (const act of ['disable', 'enable', 'resetTraffic', 'delete'] as const) {
      await expect(panel[act](anna.id, never)).rejects.toMatchObject({ code: 'remnawave_foreign_id' });
    }
    expect(await panel.again(anna, never)).toMatchObject({ username: 'anna' });
    expect(sandbox.users()).toEqual(users);
  });

  test('in the middle of a listing: that ends, with what has been handed out, and no attempt is used', async () => {
    for (let i = 0; i < 2_000; i += 1) sandbox.addUser({ username: `user_${i}`, expireAt: Date.now() + days(1) });
    const { panel } = testPanel(sandbox);
    const seen: string[] = [];
    const list = async (): Promise<void> => {
      for await (const { username } of panel.users({}, never)) {
        if (seen.push(username) === 1) {
          if (way === 'there') sandbox.upgrade();
          else sandbox.restore();
        }
      }
    };
    await expect(list()).rejects.toThrow(SnoozeError);
    const now = sandbox.users().length;
    expect(await collect(panel.users({}, never))).toHaveLength(now);
  });

  test('a panel that was away is asked for its version before the next call', async () => {
    const { anna, panel } = await known();
    sandbox.faults({ kind: 'error', status: 502, count: 1 });
    await expect(panel.user(anna.id, never)).rejects.toMatchObject({ code: 'remnawave_unavailable' });
    replace();
    sandbox.forgetCalls();
    expect(await panel.userByUsername('anna', never)).toMatchObject({ username: 'anna' });
    expect(sandbox.calls().counts['GET /api/system/metadata']).toBe(1);
    expect(sandbox.violations()).toEqual([]);
  });

  test('the processes ask once: who meets the other one next has it from the first', async () => {
    const shared = memory();
    const first = await known(shared);
    const others = await Promise.all(Array.from({ length: 5 }, () => known(shared)));
    replace();
    sandbox.forgetCalls();
    await first.panel.userByUsername('nobody', never);
    await collect(first.panel.users({}, never));
    for (const { panel } of others) expect(await collect(panel.users({}, never))).toHaveLength(2);
    await Promise.all(others.map(({ panel }) => panel.userByUsername('anna', never)));
    expect(sandbox.calls().counts['GET /api/system/metadata']).toBe(1);
  });

  test('several at once: one asks, the others wait for its answer', async () => {
    const shared = memory();
    const all = await Promise.all(Array.from({ length: 5 }, () => known(shared)));
    replace();
    sandbox.forgetCalls();
    sandbox.faults({ kind: 'latency', ms: 150, path: 'metadata' });
    const listings = await Promise.all(all.map(({ panel }) => collect(panel.users({}, never))));
    expect(listings.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
    expect(sandbox.calls().counts['GET /api/system/metadata']).toBe(1);
  });

  test('with Redis away each asks for itself', async () => {
    const away = () => Promise.reject(new Error('away'));
    const { panel } = await known({ latest: away, save: away, claim: away, release: away });
    replace();
    expect(await collect(panel.users({}, never))).toHaveLength(2);
  });
});

test('a number that was given to somebody else is not the same user', async () => {
  await using sandbox = await startPanelSandbox({ generation: 3 });
  sandbox.addUser({ username: 'anna', expireAt: Date.now() + days(1) });
  const { panel } = testPanel(sandbox);
  expect(await panel.again({ id: '1', username: 'ANNA' }, never)).toMatchObject({ id: '1' });
  expect(await panel.again({ id: '1', username: 'boris' }, never)).toBeUndefined();
});

test('a 2.x panel that is asked about a uuid which nobody has answers for itself: that one is not found', async () => {
  await using sandbox = await startPanelSandbox({ generation: 2 });
  const { panel } = testPanel(sandbox);
  expect(await panel.disable('00000000-0000-4000-8000-000000000009', never)).toBe('not_found');
  expect(await panel.disable('no id at all', never)).toBe('not_found');
});

/** What Redis holds for all processes. */
function memory(): SharedVersion {
  let latest: { version: string; asked: number } | undefined;
  let isClaimed = false;
  return {
    latest: async () => latest,
    save: async (version) => {
      latest = { version, asked: (latest?.asked ?? 0) + 1 };
    },
    async claim() {
      if (isClaimed) return false;
      isClaimed = true;
      return true;
    },
    release: async () => {
      isClaimed = false;
    },
  };
}
