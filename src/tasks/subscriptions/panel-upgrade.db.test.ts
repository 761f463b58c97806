import { describe, expect, test } from 'vitest';
import type { PanelSandbox } from '../../../sandbox/panel/server.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';
import { until } from '../../testing/until.ts';

const DISABLE = 'disable_expired_users';
const REMIND = 'check_expiring_subscriptions';
const RESET = 'reset_monthly_traffic';

const WAYS = ['there', 'back'] as const;

/** A world before the change, and the change. */
async function worldOf(way: (typeof WAYS)[number], prepare: (world: SubscriptionWorld) => void, startAt?: Date) {
  const world = await subscriptionWorld(2, {}, startAt);
  prepare(world);
  if (way === 'back') world.panel.upgrade();
  return { world, replace: () => replaced(world.panel, way) };
}
const replaced = (panel: PanelSandbox, way: (typeof WAYS)[number]): void =>
  way === 'there' ? panel.upgrade() : panel.restore();

const explained = async (world: SubscriptionWorld, who: string): Promise<string> => {
  const found = await world.app.app.parts.explain.user(who, world.panel.now(), AbortSignal.timeout(10_000));
  return found.flatMap(({ sentences }) => sentences).join('\n');
};

describe.each(WAYS)('the panel is upgraded in place, %s', (way) => {
  test('who was being disabled is settled by name: audited, told once, and explained as ours', async () => {
    const { replace, world } = await worldOf(way, ({ customer, crowd }) => {
      crowd(5);
      customer('Anna', { endsInMs: -minutes(20) });
    });
    await using _ = world;
    // The panel does it, the answer is lost, and so is every look at it.
    world.panel.faults({ kind: 'cut_after', path: '/actions/disable', count: 1 });
    await world.run(DISABLE).catch(() => undefined);
    expect(world.panel.user('Anna')!.status).toBe('DISABLED');
    replace();
    // What a restore brings back is from before; the customer is off there as well.
    if (way === 'back') world.panel.changeUser('Anna', { status: 'DISABLED' });
    await world.run(DISABLE);
    await world.run(DISABLE);
    expect(await world.audits('subscription.disabled')).toEqual([
      expect.objectContaining({ new_value: expect.objectContaining({ username: 'Anna' }) }),
    ]);
    expect(await world.messages()).toHaveLength(1);
    expect(await explained(world, 'Anna')).toMatch(/Disabled by the worker/);
    expect(await explained(world, 'Anna')).not.toMatch(/not by this worker|somebody else/);
  });

  test('whom we disabled before is explained as ours after it', async () => {
    const { replace, world } = await worldOf(way, ({ customer, crowd }) => {
      crowd(5);
      customer('anna', { endsInMs: -minutes(20) });
      customer('boris', { endsInMs: -minutes(20), status: 'DISABLED' });
    });
    await using _ = world;
    expect(await world.run(DISABLE)).toMatchObject({ disabled: 1 });
    replace();
    if (way === 'back') world.panel.changeUser('anna', { status: 'DISABLED' });
    expect(await explained(world, 'anna')).toMatch(/Disabled by the worker .*\n?.*Event subscription\.disabled/s);
    expect(await explained(world, 'boris')).toMatch(/DISABLED, but not by this worker/);
  });

  test('nobody is reminded, told of the end, or disabled twice', async () => {
    const { replace, world } = await worldOf(way, ({ customer, crowd }) => {
      crowd(5);
      customer('soon', { endsInMs: hours(5) });
      customer('over', { endsInMs: -hours(1), status: 'EXPIRED' });
    });
    await using _ = world;
    await world.run(REMIND);
    await world.run(DISABLE);
    const told = await world.messages();
    expect(told).toHaveLength(2);
    replace();
    await world.run(REMIND);
    await world.run(DISABLE);
    expect(await world.messages()).toEqual(told);
    expect(world.panel.user('over')!.status).toBe('EXPIRED');
    expect(world.panel.user('soon')!.status).toBe('ACTIVE');
    expect(await world.deliver()).toHaveLength(2);
  });

  test('whose Telegram id only the platform knows is told and explained on both sides', async () => {
    const { replace, world } = await worldOf(way, ({ crowd, customer }) => {
      crowd(5);
      customer('Anna', { endsInMs: days(6), telegramId: null });
      customer('other', { endsInMs: days(6), telegramId: null });
    });
    await using _ = world;
    const query = (text: string, values: unknown[]) => world.app.database.pool.query(text, values);
    const person = `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
                    values (gen_random_uuid(), $1, '', $2, $3, $4, true, 'active')`;
    await query(person, ['anna@example.org', 'anna', 777, world.panel.user('Anna')!.uuid]);
    expect(await world.run(REMIND)).toMatchObject({ without_telegram: 1 });
    expect((await world.messages()).map(({ telegram_id }) => telegram_id)).toEqual(['777']);
    replace();
    expect(await world.run(REMIND)).toMatchObject({ without_telegram: 1 });
    expect(await world.messages()).toHaveLength(1);
    expect(await explained(world, 'Anna')).toContain('Telegram id 777, as the platform has it');
  });

  test('customers whose chats it lost are told to the admins with their counts, once', async () => {
    const { replace, world } = await worldOf(way, ({ crowd, customer }) => {
      crowd(5);
      for (let i = 0; i < 40; i += 1) customer(`known_${i}`, { endsInMs: days(6) });
      customer('unknown', { endsInMs: days(6), telegramId: null });
    });
    await using _ = world;
    /** The panel's database lost the chats of so many. */
    const lose = (count: number): void => {
      for (let i = 0; i < count; i += 1) world.panel.changeUser(`known_${i}`, { telegramId: null, expireAt: newEnd });
    };
    const newEnd = world.panel.now().getTime() + days(5);
    const contacts = async (): Promise<string[]> =>
      (await world.alerts()).filter((text) => text.includes('no Telegram id is known'));
    expect(await world.run(REMIND)).toMatchObject({ without_telegram: 1 });
    replace();
    lose(5);
    // An upgrade alone is no news, and five more are no jump.
    expect(await world.run(REMIND)).toMatchObject({ without_telegram: 6 });
    expect(await contacts()).toEqual([]);

    lose(30);
    await world.app.database.pool.query('alter table notification_queue rename to elsewhere');
    world.app.telegram.faults({ kind: 'error', status: 500 });
    await world.run(REMIND).catch(() => undefined);
    await world.app.database.pool.query('alter table elsewhere rename to notification_queue');
    world.app.telegram.faults();
    expect(await world.run(REMIND)).toMatchObject({ without_telegram: 31 });
    world.panel.advance(hours(1));
    await world.run(REMIND);
    expect(await contacts()).toEqual([
      expect.stringMatching(
        /WARNING.*is known of <b>31<\/b> of 41, before of <b>6<\/b> of 41.*Open the page of one of them/s,
      ),
    ]);
  });

  test('a monthly reset that it cuts resets everybody, and nobody who was reset', async () => {
    const { replace, world } = await worldOf(
      way,
      ({ customer, crowd }) => {
        crowd(60);
        for (let i = 0; i < 5; i += 1)
          customer(`limited_${i}`, { endsInMs: days(90), trafficLimitBytes: 100, usedTrafficBytes: 50 });
      },
      new Date('2026-12-01T00:00:00Z'),
    );
    await using _ = world;
    const run = () => world.run(RESET, { scheduledFor: new Date('2026-12-01T00:00:00Z') });
    await expect(run()).rejects.toThrow(/asked for/);
    replace();
    world.panel.advance(minutes(6));
    const done = await until('a listing shows everybody done', () => run().catch(() => undefined));
    expect(done).toMatchObject({ reset: 5 });
    const users = world.panel.users().filter(({ username }) => username.startsWith('limited'));
    expect(users.every(({ usedTrafficBytes }) => usedTrafficBytes === 0)).toBe(true);
  });
});
