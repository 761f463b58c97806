import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import { collect, never, testPanel } from '../../testing/test-panel.ts';
import type { Panel } from './panel.ts';

describe.each([2, 3] as const)('panel %i.x', (generation) => {
  let sandbox: PanelSandbox;
  let panel: Panel;

  beforeEach(async () => {
    sandbox = await startPanelSandbox({ generation, nodes: 3 });
    ({ panel } = testPanel(sandbox));
  });
  afterEach(async () => {
    const violations = sandbox.violations();
    await sandbox.stop();
    expect(violations).toEqual([]);
  });

  const inDays = (n: number): number => Date.now() + days(n);
  const add = (username: string, change: Partial<Parameters<PanelSandbox['addUser']>[0]> = {}): string => {
    const user = sandbox.addUser({ username, expireAt: inDays(10), ...change });
    return generation === 2 ? user.uuid : String(user.id);
  };
  const unknown = generation === 2 ? '99999999-9999-4999-8999-999999999999' : '999999';
  const otherKind = generation === 2 ? '12' : '99999999-9999-4999-8999-999999999999';

  test.each([
    ...['', '.', '..', '../nodes', '/', 'a/b', '\\..\\nodes', '%2e%2e', '%2E%2E%2Fnodes', '..;', '?x=1', '#x'],
    ...['a\u0000b', '\ud800', '\t..', ' .. ', '..\n', 'x'.repeat(300), '\u{1F642}'],
  ])('%j as a name or an id finds nobody, and leaves the route of users never', async (text) => {
    add('olga');
    expect(await panel.userByUsername(text, never)).toBeUndefined();
    expect(await panel.userByShortUuid(text, never)).toBeUndefined();
    expect(await panel.user(text, never)).toBeUndefined();
    expect(await panel.disable(text, never)).toBe('not_found');
    expect(await panel.delete(text, never)).toBe('not_found');
    const called = Object.keys(sandbox.calls().counts);
    expect(called.filter((call) => !/ \/api\/(users\/by-(username|short-uuid)\/|system\/metadata)/.test(call))).toEqual(
      [],
    );
  });

  describe('listing', () => {
    test.each([0, 1, 999, 1000, 1001, 2500])('%i users come once each, whatever the page size', async (count) => {
      const createdAt = Date.now();
      for (let i = 0; i < count; i++) add(`user_${i}`, { createdAt });
      const users = await collect(panel.users({}, never));
      expect(new Set(users.map(({ id }) => id)).size).toBe(count);
      expect(users).toHaveLength(count);
      const counts = await panel.countUsers(never);
      expect(counts.total).toBe(count);
      expect((await panel.stats(never)).users.byStatus.ACTIVE).toBe(count);
    });

    test('a status selects, even while users change it page by page', async () => {
      for (let i = 0; i < 2100; i++) add(`user_${i}`, { status: i % 3 === 0 ? 'EXPIRED' : 'ACTIVE' });
      let seen = 0;
      for await (const user of panel.users({ status: 'ACTIVE' }, never)) {
        expect(user.status).toBe('ACTIVE');
        sandbox.changeUser(user.username, { status: 'DISABLED' });
        seen += 1;
      }
      expect(seen).toBe(1400);
    });

    test('users who come and go meanwhile hide nobody else', async () => {
      for (let i = 0; i < 2100; i++) add(`user_${i}`);
      const seen = new Set<string>();
      for await (const { username } of panel.users({}, never)) {
        expect(seen).not.toContain(username);
        seen.add(username);
        if (seen.size === 500) {
          add('newcomer');
          for (let i = 0; i < 20; i++) await panel.delete((await panel.userByUsername(`user_${i}`, never))!.id, never);
        }
      }
      for (let i = 20; i < 2100; i++) expect(seen).toContain(`user_${i}`);
    });

    test('stops between pages when the caller gives up', async () => {
      for (let i = 0; i < 1500; i++) add(`user_${i}`);
      const caller = new AbortController();
      const iterate = async (): Promise<void> => {
        for await (const _ of panel.users({}, caller.signal)) caller.abort(new Error('enough'));
      };
      await expect(iterate()).rejects.toThrow('enough');
    });

    test('one Telegram id can have several users, or none', async () => {
      add('first', { telegramId: 555 });
      add('second', { telegramId: 555, status: 'DISABLED' });
      add('third', { telegramId: 5550 });
      const names = async (telegramId: number) =>
        new Set((await panel.usersByTelegramId(telegramId, never)).items.map(({ username }) => username));
      expect(await names(555)).toEqual(new Set(['first', 'second']));
      expect(await names(55)).toEqual(new Set());
      const active = await collect(panel.users({ telegramId: 555, status: 'ACTIVE' }, never));
      expect(active.map(({ username }) => username)).toEqual(['first']);
    });
  });

  describe('one user', () => {
    test('comes with all fields, under an id that finds it again', async () => {
      const expireAt = inDays(3);
      const onlineAt = Date.now() - minutes(2);
      const id = add('alice', { expireAt, onlineAt, telegramId: 7, tag: 'AUTO_RENEW', trafficLimitBytes: 1000 });
      const user = await panel.user(id, never);
      expect(user).toEqual({
        id,
        ...(generation === 2 && { uuid: id }),
        shortUuid: expect.any(String),
        username: 'alice',
        status: 'ACTIVE',
        expireAt: new Date(expireAt),
        telegramId: 7,
        tag: 'AUTO_RENEW',
        trafficLimitBytes: 1000,
        trafficLimitStrategy: 'NO_RESET',
        usedTrafficBytes: 0,
        onlineAt: new Date(onlineAt),
        createdAt: expect.any(Date),
      });
      expect(await panel.userByUsername('alice', never)).toEqual(user);
      expect(await panel.userByShortUuid(user!.shortUuid!, never)).toEqual(user);
    });

    test('who is not there is no error', async () => {
      for (const id of [unknown, otherKind, '', 'stream', '../nodes']) {
        expect(await panel.user(id, never)).toBeUndefined();
        if (id === otherKind) continue;
        expect(await panel.disable(id, never)).toBe('not_found');
        expect(await panel.enable(id, never)).toBe('not_found');
        expect(await panel.resetTraffic(id, never)).toBe('not_found');
        expect(await panel.delete(id, never)).toBe('not_found');
        expect(await panel.extendTo(id, new Date(inDays(1)), never)).toBeUndefined();
      }
      expect(await panel.userByUsername('nobody', never)).toBeUndefined();
      expect(await panel.userByUsername('no/body?', never)).toBeUndefined();
      expect(await panel.userByShortUuid('nothing', never)).toBeUndefined();
    });

    test.each(['ACTIVE', 'LIMITED', 'EXPIRED'] as const)(
      '%s can be disabled, a second time it already was',
      async (status) => {
        const id = add('alice', { status });
        expect(await panel.disable(id, never)).toBe('done');
        expect(sandbox.user('alice')?.status).toBe('DISABLED');
        expect(await panel.disable(id, never)).toBe('already');
        expect(await panel.enable(id, never)).toBe('done');
        expect(await panel.enable(id, never)).toBe('already');
      },
    );

    test('a traffic reset lifts LIMITED', async () => {
      const id = add('alice', { status: 'LIMITED', trafficLimitBytes: 10, usedTrafficBytes: 10 });
      expect(await panel.resetTraffic(id, never)).toBe('done');
      expect(sandbox.user('alice')).toMatchObject({ status: 'ACTIVE', usedTrafficBytes: 0 });
    });

    test('deleted once, then not found', async () => {
      const id = add('alice');
      expect(await panel.delete(id, never)).toBe('done');
      expect(await panel.delete(id, never)).toBe('not_found');
    });
  });

  describe('extending to a date', () => {
    test.each(['ACTIVE', 'EXPIRED', 'DISABLED', 'LIMITED'] as const)(
      '%s ends ACTIVE with exactly that date, also twice',
      async (status) => {
        const id = add('alice', {
          status,
          expireAt: Date.now() - days(2),
          trafficLimitBytes: 10,
          usedTrafficBytes: 10,
        });
        const until = new Date(inDays(30));
        for (let run = 0; run < 2; run++) {
          const user = await panel.extendTo(id, until, never);
          expect(user).toMatchObject({ status: 'ACTIVE', expireAt: until });
        }
        sandbox.changeUser('alice', { usedTrafficBytes: 0 });
        sandbox.advance(minutes(2));
        expect(sandbox.user('alice')?.status).toBe('ACTIVE');
      },
    );

    test('the past is refused for good, with the reason', async () => {
      const id = add('alice');
      const extending = panel.extendTo(id, new Date(Date.now() - hours(1)), never);
      await expect(extending).rejects.toMatchObject({ name: 'PanelRefusal', code: 'remnawave_rejected', status: 400 });
      await expect(extending).rejects.toThrow('PATCH /api/users: 400 Validation failed');
      await expect(extending).rejects.toThrow('Expiration date cannot be in the past');
      sandbox.forgetCalls();
    });
  });

  describe('bulk', () => {
    test('goes out in calls of at most 500 and leaves out ids that cannot be', async () => {
      const ids = Array.from({ length: 1100 }, (_, i) => add(`user_${i}`, { usedTrafficBytes: 5 }));
      expect(await panel.bulkResetTraffic([...ids, otherKind, unknown], never)).toBe(1101);
      const bodies = sandbox.calls().mutations.map(({ body }) => Object.values(body as object)[0].length);
      expect(bodies).toEqual([500, 500, 101]);
      await expect.poll(() => sandbox.user('user_1099')?.usedTrafficBytes).toBe(0);
    });

    test('updates fields', async () => {
      const ids = [add('alice'), add('bob')];
      const expireAt = new Date(inDays(40));
      await panel.bulkUpdate(ids, { expireAt, tag: 'PAID', status: 'DISABLED', trafficLimitBytes: 7 }, never);
      await expect.poll(() => sandbox.user('bob')?.status).toBe('DISABLED');
      const bob = await panel.userByUsername('bob', never);
      expect(bob).toMatchObject({ expireAt, tag: 'PAID', trafficLimitBytes: 7 });
    });

    test('deletes, and sends nothing for nobody', async () => {
      const ids = [add('alice'), add('bob')];
      expect(await panel.bulkDelete([], never)).toBe(0);
      expect(sandbox.calls().mutations).toEqual([]);
      expect(await panel.bulkDelete(ids, never)).toBe(2);
      expect((await panel.countUsers(never)).total).toBe(0);
    });
  });

  describe('the system', () => {
    test('nodes with their states, inbounds and counters', async () => {
      const [first, second, third] = (await panel.nodes(never)).items;
      sandbox.changeNode(second!.uuid, { state: 'down' });
      sandbox.changeNode(third!.uuid, { state: 'disabled' });
      const { items: nodes } = await panel.nodes(never);
      expect(nodes.map(({ isConnected, isConnecting, isDisabled }) => [isConnected, isConnecting, isDisabled])).toEqual(
        [
          [true, false, false],
          [false, false, false],
          [false, false, true],
        ],
      );
      expect(nodes[1]?.lastStatusMessage).toContain('ECONNREFUSED');
      expect(nodes[0]?.inbounds).toEqual([expect.objectContaining({ tag: 'vless-reality', port: 443 })]);
      expect(nodes[0]?.trafficUsedBytes).toBeGreaterThanOrEqual(first!.trafficUsedBytes!);
    });

    test('metrics, totals and bandwidth in bytes', async () => {
      const [node] = (await panel.nodes(never)).items;
      const [metrics] = (await panel.nodeMetrics(never)).items;
      expect(metrics).toMatchObject({ nodeUuid: node!.uuid, usersOnline: node!.usersOnline });
      const measured = metrics!.uploadBytes + metrics!.downloadBytes;
      expect(measured / node!.trafficUsedBytes!).toBeCloseTo(1, 2);

      const stats = await panel.stats(never);
      expect(stats.totalBytesLifetime).toBeGreaterThan(node!.trafficUsedBytes!);
      expect((await panel.statsBandwidth(never)).calendarMonth.currentBytes).toBeGreaterThan(0);

      const bandwidth = await panel.bandwidth('2026-01-01', '2026-01-03', never);
      expect(bandwidth.days).toEqual(['2026-01-01', '2026-01-02', '2026-01-03']);
      // The most traffic comes first.
      expect(bandwidth.nodes[2]).toMatchObject({ uuid: node!.uuid, totalBytes: 3 * 86_400 * 1_000_000 });
    });

    test('health, version, hosts, profiles and inbounds', async () => {
      const [node] = (await panel.nodes(never)).items;
      expect((await panel.health(never)).processes.map(({ type }) => type)).toEqual(['api', 'scheduler', 'processor']);
      expect(await panel.version(never)).toMatchObject({ generation });
      const [inbound] = (await panel.inbounds(never)).items;
      const [profile] = (await panel.configProfiles(never)).items;
      const [host] = (await panel.hosts(never)).items;
      expect(profile).toMatchObject({ uuid: inbound!.profileUuid, inbounds: [inbound] });
      expect(profile!.nodeUuids).toContain(node!.uuid);
      expect(host).toMatchObject({ nodeUuids: [node!.uuid], inboundUuid: inbound!.uuid });
    });
  });

  test('nothing the client answers holds a secret', async () => {
    const id = add('alice', { telegramId: 1 });
    const answers = [
      await panel.user(id, never),
      await collect(panel.users({}, never)),
      await panel.usersByTelegramId(1, never),
      await panel.extendTo(id, new Date(inDays(2)), never),
      await panel.nodes(never),
      await panel.configProfiles(never),
      await panel.inbounds(never),
      await panel.hosts(never),
    ];
    const text = JSON.stringify(answers);
    expect(text).toContain('alice');
    expect(text).not.toMatch(/secret|password|vless[uU]uid|5ec2e700|subscriptionUrl|privateKey/i);
  });
});
