import { describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { GENERATIONS, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'disable_expired_users';

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('ACTIVE and LIMITED past their expiry are disabled, told once and written down', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: -minutes(20) });
    world.customer('boris', { endsInMs: -hours(2), status: 'LIMITED' });
    const id = String(generation === 2 ? anna.uuid : anna.id);
    await world.app.redis.client.set(`cybervpn:subscription:${id}`, 'cached');

    expect(await world.run(TASK)).toMatchObject({ disabled: 2, told: 2 });
    expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 0 });

    expect(world.panel.user('anna')!.status).toBe('DISABLED');
    expect(world.panel.user('boris')!.status).toBe('DISABLED');
    expect((await world.messages()).map((row) => row.notification_type)).toEqual([
      'subscription_expired',
      'subscription_expired',
    ]);
    const [text, ...more] = await world.deliver(anna.telegramId!);
    expect(text).toContain('Your subscription has ended');
    expect(more).toEqual([]);
    expect(await world.audits('subscription.disabled')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          entity_id: id,
          admin_id: null,
          ip_address: 'system',
          old_value: { status: 'ACTIVE', expire_at: new Date(anna.expireAt).toISOString() },
          new_value: { status: 'DISABLED', reason: 'expired', username: 'anna' },
        }),
      ]),
    );
    expect(await world.audits('subscription.disabled')).toHaveLength(2);
    expect(await world.app.redis.client.exists(`cybervpn:subscription:${id}`)).toBe(0);
    const events = await world.app.app.services.events.latest(10);
    expect(new Set(events.map(({ type, data }) => `${type} ${data.username}`))).toEqual(
      new Set(['subscription.disabled anna', 'subscription.disabled boris']),
    );
    expect(world.panel.violations()).toEqual([]);
  });

  test('EXPIRED by the panel: told once and left alone', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1), status: 'EXPIRED' });
    expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 1 });
    await world.app.redis.client.flushall();
    expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 0 });
    expect(world.panel.user('anna')!.status).toBe('EXPIRED');
    expect(world.panel.calls().mutations).toEqual([]);
  });

  test('whose time ended more than 48 hours ago is not written to, but still disabled', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('long_gone', { endsInMs: -days(40), status: 'EXPIRED' });
    world.customer('forgotten', { endsInMs: -days(40) });
    expect(await world.run(TASK)).toMatchObject({ disabled: 1, told: 0 });
    expect(world.panel.user('forgotten')!.status).toBe('DISABLED');
  });

  test('whose time ended just now is left to the panel, which is about to mark them', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: 0 });
    expect(await world.run(TASK)).toMatchObject({ disabled: 0 });
    world.panel.advance(minutes(1));
    expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 1 });
    expect(world.panel.user('anna')!.status).toBe('EXPIRED');
  });

  test('without a Telegram id: disabled, no message', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1), telegramId: null });
    expect(await world.run(TASK)).toMatchObject({ disabled: 1, told: 0 });
    expect(await world.messages()).toEqual([]);
  });

  test('told again for another expiry date', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1), status: 'EXPIRED' });
    await world.run(TASK);
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30), status: 'ACTIVE' });
    world.panel.advance(days(30) + hours(1));
    expect(await world.run(TASK)).toMatchObject({ told: 1 });
  });

  test('renewed between queueing and sending: the end is not announced any more', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: -hours(1), status: 'EXPIRED' });
    await world.run(TASK);
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30), status: 'ACTIVE' });
    expect(await world.deliver(anna.telegramId!)).toEqual([]);
  });

  test('two runs at once disable, write down and tell once', async () => {
    await using world = await subscriptionWorld(generation);
    for (let i = 0; i < 20; i += 1) world.customer(`user_${i}`, { endsInMs: -hours(1) });
    await Promise.all([world.run(TASK), world.run(TASK)]);
    expect(await world.messages()).toHaveLength(20);
    expect(await world.audits('subscription.disabled')).toHaveLength(20);
  });
});
