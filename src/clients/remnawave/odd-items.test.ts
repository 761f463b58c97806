import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days } from '../../lib/duration.ts';
import type { Listing } from '../../lib/read-each.ts';
import { collect, never, testPanel } from '../../testing/test-panel.ts';
import type { Panel } from './panel.ts';

type Odd = { set?: Record<string, unknown>; instead?: unknown };
/** What stands in each list, of a panel that has three of it, and how it is read. */
type List = {
  path: string;
  of(sandbox: PanelSandbox): string | number;
  read(panel: Panel): Promise<Listing<unknown>>;
  count: number;
  odd: Record<string, Odd>;
};

/** Odd in ways that any object can be. */
const ANY: Record<string, Odd> = {
  'is null': { instead: null },
  'is a text': { instead: 'odd' },
  'is a list': { instead: [] },
  'is empty': { instead: {} },
};

const firstNode = (sandbox: PanelSandbox): string => sandbox.nodes()[0]!.uuid;

const users = async (panel: Panel): Promise<Listing<unknown>> => {
  const listing = panel.users({}, never);
  return { items: await collect(listing), holes: [...listing.holes] };
};

const USER: Record<string, Odd> = {
  ...ANY,
  'a Telegram id of 10^18': { set: { telegramId: 1e18 } },
  'a Telegram id that is a fraction': { set: { telegramId: 1.5 } },
  'a Telegram id that is text': { set: { telegramId: '5' } },
  'no name': { set: { username: null } },
  'no state': { set: { status: null } },
  'an end that is no date': { set: { expireAt: 'soon' } },
  'no end': { set: { expireAt: null } },
  'traffic that is no number': { set: { 'userTraffic.usedTrafficBytes': 'much' } },
  'no traffic': { set: { userTraffic: null } },
  'no time of its making': { set: { createdAt: null } },
};

const LISTS: Record<string, List> = {
  users: { path: '/api/users', of: () => 'anna', read: users, count: 3, odd: USER },
  'users of one chat': {
    path: '/api/users',
    of: () => 'anna',
    read: (panel) => panel.usersByTelegramId(5, never),
    count: 3,
    odd: USER,
  },
  nodes: {
    path: '/api/nodes',
    of: firstNode,
    read: (panel) => panel.nodes(never),
    count: 3,
    odd: {
      ...ANY,
      'no uuid': { set: { uuid: null } },
      'an empty uuid': { set: { uuid: '' } },
      'no name': { set: { name: null } },
      'a name that is a number': { set: { name: 7 } },
      'a connection that is text': { set: { isConnected: 'yes' } },
      'no word of its connecting': { set: { isConnecting: null } },
      'a switch that is a number': { set: { isDisabled: 0 } },
    },
  },
  'node metrics': {
    path: '/api/system/nodes/metrics',
    of: firstNode,
    read: (panel) => panel.nodeMetrics(never),
    count: 3,
    odd: {
      ...ANY,
      'no uuid': { set: { nodeUuid: null } },
      'no name': { set: { nodeName: null } },
      'no users': { set: { usersOnline: null } },
      'users as text': { set: { usersOnline: 'many' } },
      'no inbounds': { set: { inboundsStats: null } },
      'traffic that is no amount': { set: { inboundsStats: [{ tag: 'a', upload: 'much', download: '0 B' }] } },
    },
  },
  bandwidth: {
    path: '/api/bandwidth-stats/nodes',
    of: firstNode,
    read: async (panel) => {
      const { holes, nodes } = await panel.bandwidth('2026-01-01', '2026-01-03', never);
      return { items: nodes, holes };
    },
    count: 3,
    odd: {
      ...ANY,
      'no uuid': { set: { uuid: null } },
      'no name': { set: { name: null } },
      'no country': { set: { countryCode: null } },
      'no total': { set: { total: null } },
      'no days': { set: { data: null } },
      'a day that is text': { set: { data: ['much', 1, 1] } },
    },
  },
  hosts: {
    path: '/api/hosts',
    of: (sandbox) => `${sandbox.nodes()[0]!.countryCode} ${sandbox.nodes()[0]!.name}`,
    read: (panel) => panel.hosts(never),
    count: 3,
    odd: {
      ...ANY,
      'no uuid': { set: { uuid: null } },
      'no name': { set: { remark: null } },
      'no address': { set: { address: null } },
      'a port that is text': { set: { port: '443' } },
      'no switch': { set: { isDisabled: null } },
      'no nodes': { set: { nodes: null } },
    },
  },
};

describe.each([2, 3] as const)('panel %i.x with one odd thing', (generation) => {
  let sandbox: PanelSandbox;
  beforeEach(async () => {
    sandbox = await startPanelSandbox({ generation, nodes: 3 });
    for (const username of ['anna', 'boris', 'carla']) {
      sandbox.addUser({ username, expireAt: Date.now() + days(1), telegramId: 5 });
    }
  });
  afterEach(() => sandbox.stop());

  const table = Object.entries(LISTS).flatMap(([list, { odd }]) => Object.keys(odd).map((how) => [list, how] as const));

  test.each(table)(
    'in the list of %s, %s: the others are served and it is said which is left out',
    async (list, how) => {
      const { count, of, odd, path, read } = LISTS[list]!;
      const { panel, policy, readings } = testPanel(sandbox);
      expect((await read(panel)).items).toHaveLength(count);
      sandbox.lie({ kind: 'odd', path, of: of(sandbox), ...odd[how] });
      const { holes, items } = await read(panel);
      expect(items).toHaveLength(count - 1);
      expect(holes).toHaveLength(1);
      expect(holes[0]!.problem).not.toBe('');
      expect(readings.at(-1)).toMatchObject({ holes });
      expect(policy.state).toBe('closed');
    },
  );

  test.each([
    ['profiles', '/api/config-profiles', 'Default', (panel: Panel) => panel.configProfiles(never)],
    ['inbounds', '/api/config-profiles/inbounds', 'vless-reality', (panel: Panel) => panel.inbounds(never)],
  ])('the only one of the %s', async (_, path, of, read) => {
    const { panel } = testPanel(sandbox);
    for (const odd of [...Object.values(ANY), { set: { uuid: null } }]) {
      sandbox.lie({ kind: 'odd', path, of, ...odd });
      expect(await read(panel)).toMatchObject({ items: [], holes: [{ problem: expect.any(String) }] });
      sandbox.faults();
    }
  });

  test('an inbound of a node: the node is served without it, and it is told', async () => {
    const { panel, readings } = testPanel(sandbox);
    sandbox.lie({ kind: 'odd', path: '/api/nodes', of: 'vless-reality', set: { type: null } });
    const { holes, items } = await panel.nodes(never);
    expect(items.map(({ inbounds }) => inbounds)).toEqual([[], [], []]);
    expect(holes).toEqual([]);
    expect(readings.find(({ source }) => source === 'panel_inbounds')?.holes).toHaveLength(3);
  });

  test('a process of the panel: the health of the others is told', async () => {
    sandbox.lie({ kind: 'odd', path: '/api/system/health', of: 'processor', set: { rss: 'much' } });
    const { processes } = await testPanel(sandbox).panel.health(never);
    expect(processes.map(({ type }) => type)).toEqual(['api', 'scheduler']);
  });

  test.each([
    ['a state that we do not know', { status: 'FROZEN' }, { status: 'FROZEN' }],
    ['a strategy that we do not know', { trafficLimitStrategy: 'YEAR' }, { trafficLimitStrategy: 'YEAR' }],
    ['a last sight that is no date', { 'userTraffic.onlineAt': 'never' }, { username: 'anna' }],
  ])('%s is kept as it is, and harms not even its user', async (_, set, kept) => {
    sandbox.lie({ kind: 'odd', path: '/api/users', of: 'anna', set });
    const { holes, items } = await users(testPanel(sandbox).panel);
    expect(holes).toEqual([]);
    expect(items).toContainEqual(expect.objectContaining(kept));
  });

  test.each([
    { countryCode: null },
    { lastStatusMessage: 7 },
    { lastStatusChange: 'yesterday' },
    { trafficUsedBytes: 'much' },
    { usersOnline: 'many' },
    { port: null },
    { address: null },
    { configProfile: null },
    { configProfile: 'none' },
    { 'configProfile.activeInbounds': null },
  ])('a node with %j still has its state', async (set) => {
    sandbox.lie({ kind: 'odd', path: '/api/nodes', of: firstNode(sandbox), set });
    const { holes, items } = await testPanel(sandbox).panel.nodes(never);
    expect(holes).toEqual([]);
    expect(items).toContainEqual(expect.objectContaining({ uuid: firstNode(sandbox), isConnected: true }));
  });

  test('somebody asked for by key is found whatever their Telegram id is, so that who has paid gets the days', async () => {
    const { id, uuid } = sandbox.addUser({ username: 'odd', expireAt: Date.now() + days(1), telegramId: 1e18 });
    const { panel } = testPanel(sandbox);
    const key = generation === 2 ? uuid : String(id);
    expect(await panel.user(key, never)).toMatchObject({ id: key, status: 'ACTIVE' });
    const until = new Date(Date.now() + days(30));
    expect(await panel.extendTo(key, until, never)).toMatchObject({ expireAt: until });
    await expect(panel.userByUsername('odd', never)).rejects.toMatchObject({ code: 'remnawave_schema' });
  });

  test('the count of users is told although a state has no number', async () => {
    sandbox.lie({ kind: 'wrong_schema', path: '/api/system/stats', field: 'onlineStats' });
    expect(await testPanel(sandbox).panel.countUsers(never)).toEqual({ total: 3 });
  });

  test('odd users on every page of thousands: each is a hole once, and every other user comes once', async () => {
    await using large = await startPanelSandbox({ generation, users: 2_500, validateResponses: 'sample' });
    const odd = [1, 949, 950, 999, 1_000, 1_001, 1_900, 2_500].map((i) => `user_${String(i).padStart(6, '0')}`);
    for (const name of odd) large.changeUser(name, { telegramId: 2 ** 53 });
    const { holes, items } = await users(testPanel(large).panel);
    expect(holes.map(({ ids }) => ids.username)).toEqual(odd);
    expect(items).toHaveLength(2_500 - odd.length);
  });

  test('none of several can be read: that is an odd answer and no odd items', async () => {
    const { panel } = testPanel(sandbox);
    for (const of of ['anna', 'boris', 'carla']) {
      sandbox.lie({ kind: 'odd', path: '/api/users', of, set: { expireAt: null } });
    }
    await expect(users(panel)).rejects.toMatchObject({ code: 'remnawave_schema' });
  });
});
