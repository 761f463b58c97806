import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';
import { until } from '../../testing/until.ts';

/** What makes one user unreadable, as the panel would answer it. */
const ODD: Record<string, Record<string, unknown>> = {
  'a Telegram id of 10^18': { telegramId: 1e18 },
  'an end that is no date': { expireAt: 'soon' },
  'no name': { username: null },
};

describe.each(GENERATIONS)('panel %i.x with one user who cannot be read', (generation) => {
  let world: SubscriptionWorld;
  beforeEach(async () => {
    world = await subscriptionWorld(generation, { RESET_STRATEGIES: 'MONTH' });
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const spoil = (of: string, set: Record<string, unknown>) =>
    world.panel.lie({ kind: 'odd', path: '/api/users', of, set });
  const alerts = async (): Promise<string[]> => (await world.alerts()).filter((text) => text.includes('odd'));

  test.each(Object.entries(ODD))('%s: the others are reminded, disabled and reset as ever', async (_, set) => {
    world.crowd(100);
    world.customer('odd', { endsInMs: hours(5) });
    world.customer('anna', { endsInMs: hours(5) });
    world.customer('boris', { endsInMs: -hours(1) });
    spoil('odd', set);
    const looked = { checked: 102, unreadable: 1, held: 0 };
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ ...looked, reminded: 1 });
    expect(await world.run('disable_expired_users')).toMatchObject({ ...looked, disabled: 1, gone: 0 });
    expect(await world.run('auto_renew_subscriptions')).toMatchObject({ ending: 0, unreadable: 1 });
    expect(world.panel.user('odd')).toMatchObject({ status: 'ACTIVE' });
    expect(world.panel.user('boris')).toMatchObject({ status: 'DISABLED' });
  });

  test('is told once, whoever looks how often, and once more when it can be read again', async () => {
    world.crowd(20);
    world.customer('odd', { endsInMs: days(30), telegramId: 1e18 });
    for (let i = 0; i < 3; i += 1) await world.run('check_expiring_subscriptions');
    await until('it is told', async () => (await alerts()).length > 0);
    await world.run('disable_expired_users');
    await world.run('check_expiring_subscriptions');
    const [alert, ...more] = await alerts();
    expect(more).toEqual([]);
    expect(alert).toContain('username odd');
    expect(alert).toContain('telegramId must be at most 9007199254740991');
    expect(await world.app.app.metrics.registry.metrics()).toMatch(
      /cybervpn_unreadable_items_total\{source="panel_users"\} [1-9]/,
    );

    world.panel.changeUser('odd', { telegramId: 77 });
    await until('it is told as over', async () => {
      await world.run('check_expiring_subscriptions');
      return (await world.alerts()).some((text) => text.includes('can be read again'));
    });
  });

  test('a hole is no shorter listing to the brake, and not gone', async () => {
    world.crowd(60);
    for (let i = 0; i < 30; i += 1) world.customer(`odd_${i}`, { endsInMs: days(30) });
    world.customer('boris', { endsInMs: -hours(1) });
    await world.run('disable_expired_users');
    for (let i = 0; i < 30; i += 1) spoil(`odd_${i}`, { expireAt: null });
    world.panel.advance(minutes(15));
    world.customer('carla', { endsInMs: -hours(1) });
    expect(await world.run('disable_expired_users')).toMatchObject({ unreadable: 30, held: 0, disabled: 1, gone: 0 });
  });

  test('a state and a strategy that we do not know keep nobody waiting, not even that user', async () => {
    world.crowd(20);
    world.customer('odd', { endsInMs: -hours(5) });
    world.customer('anna', { endsInMs: hours(5) });
    spoil('odd', { status: 'FROZEN', trafficLimitStrategy: 'YEAR' });
    const all = { checked: 22, unreadable: 0 };
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ ...all, reminded: 1 });
    expect(await world.run('disable_expired_users')).toMatchObject({ ...all, disabled: 0 });
    const { rows } = await world.app.database.pool.query(
      "select action from audit_logs where action like 'subscription.%'",
    );
    expect(rows).toEqual([]);
  });

  test('the figures of the day say how many could not be read, and they count in the total', async () => {
    world.crowd(3);
    world.customer('odd', { endsInMs: days(30), telegramId: 1e18 });
    const yesterday = new Date(world.panel.now().getTime() - days(1)).toISOString().slice(0, 10);
    await world.run('aggregate_daily_stats');
    const kept = await world.app.app.services.dayBook.many([yesterday]);
    expect(kept.get(yesterday)?.users?.at_end).toMatchObject({ total: 4, active: 3, unreadable: 1 });
  });

  test('a notice about somebody else in the same chat is not dropped because of a user who cannot be read', async () => {
    world.crowd(20);
    world.customer('anna', { endsInMs: hours(5), telegramId: 55 });
    world.customer('odd', { endsInMs: days(30), telegramId: 55 });
    await world.run('check_expiring_subscriptions');
    spoil('anna', { expireAt: null });
    expect(await world.deliver(55)).toHaveLength(1);
  });
});
