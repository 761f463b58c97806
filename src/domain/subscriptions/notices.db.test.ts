import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'check_expiring_subscriptions';

describe('who is told, and in which language', () => {
  const platformUser = async (
    world: SubscriptionWorld,
    fields: { telegramId: number; panelUuid?: string },
  ): Promise<string> => {
    const id = randomUUID();
    await world.app.database.pool.query(
      `insert into mobile_users (id, email, password_hash, telegram_id, remnawave_uuid, is_active, status)
       values ($1, $2, 'x', $3, $4, true, 'active')`,
      [id, `${id}@example.com`, fields.telegramId, fields.panelUuid ?? null],
    );
    return id;
  };

  test('without a Telegram id at the panel, the platform tables are asked, identities first', async () => {
    await using world = await subscriptionWorld(2);
    const byUuid = world.customer('by_uuid', { endsInMs: hours(5), telegramId: null });
    const byIdentity = world.customer('by_identity', { endsInMs: hours(5), telegramId: null });
    world.customer('nobody', { endsInMs: hours(5), telegramId: null });
    await platformUser(world, { telegramId: 41, panelUuid: byUuid.uuid });
    await platformUser(world, { telegramId: 42, panelUuid: byIdentity.uuid });
    const owner = await platformUser(world, { telegramId: 43 });
    await world.app.database.pool.query(
      `insert into service_identities (id, service_key, customer_account_id, provider_name, provider_subject_ref)
       values ($1, 'k', $2, 'remnawave', $3)`,
      [randomUUID(), owner, byIdentity.uuid],
    );

    expect(await world.run(TASK)).toMatchObject({ reminded: 2, without_telegram: 1 });

    const chats = (await world.messages()).map((row) => Number(row.telegram_id)).toSorted();
    expect(chats).toEqual([41, 43]);
    expect(await world.deliver(43)).toHaveLength(1);
  });

  test('who is known only through the platform and renews meanwhile is not written to either', async () => {
    await using world = await subscriptionWorld(2);
    const user = world.customer('linked', { endsInMs: hours(5), telegramId: null });
    await platformUser(world, { telegramId: 41, panelUuid: user.uuid });
    await world.run(TASK);
    world.panel.changeUser('linked', { expireAt: world.panel.now().getTime() + days(30) });
    expect(await world.deliver(41)).toEqual([]);
  });

  test('whom Telegram cannot reach is skipped and counted', async () => {
    await using world = await subscriptionWorld(3);
    world.customer('gone', { endsInMs: hours(5), telegramId: 66 });
    await world.app.redis.client.set('cybervpn:unreachable:66', 'blocked');
    expect(await world.run(TASK)).toMatchObject({ reminded: 0, unreachable: 1 });
  });

  test('an account that chose a language gets it; everybody else the default', async () => {
    await using world = await subscriptionWorld(3);
    world.customer('ru', { endsInMs: hours(5), telegramId: 71 });
    world.customer('en', { endsInMs: hours(5), telegramId: 72 });
    await world.app.database.pool.query(
      `insert into admin_users (id, login, role, telegram_id, is_active, language, totp_enabled, is_email_verified)
       values ($1, 'olga', 'user', 71, true, 'ru-RU', false, true)`,
      [randomUUID()],
    );
    await world.run(TASK);
    expect((await world.deliver(71)).join()).toContain('Подписка заканчивается через 5 часов');
    expect((await world.deliver(72)).join()).toContain('in 5 hours');
  });

  test('the message has a link to the bot, and goes without it while Telegram is away', async () => {
    await using world = await subscriptionWorld(3);
    world.app.telegram.faults({ kind: 'error', status: 502 });
    world.customer('first', { endsInMs: hours(5) });
    await world.run(TASK);
    expect((await world.messages())[0]!.message).toContain('open the menu of this bot');

    await using other = await subscriptionWorld(3);
    other.customer('second', { endsInMs: hours(5) });
    await other.run(TASK);
    expect((await other.messages())[0]!.message).toMatch(/<a href="https:\/\/t\.me\/\w+\?start=renew">Renew<\/a>/);
  });

  test('an insert that fails leaves no key behind', async () => {
    await using world = await subscriptionWorld(3);
    world.customer('anna', { endsInMs: hours(5) });
    await world.app.database.pool.query('alter table notification_queue rename to hidden');
    await expect(world.run(TASK)).rejects.toThrow();
    expect(await world.app.redis.client.keys('cybervpn:sub_reminder:*')).toEqual([]);
    await world.app.database.pool.query('alter table hidden rename to notification_queue');
    expect(await world.run(TASK)).toMatchObject({ reminded: 1 });
  });
});
