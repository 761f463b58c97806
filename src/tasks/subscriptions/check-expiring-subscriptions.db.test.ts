import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { PythonKeyWriter } from '../../testing/python-keys.ts';
import { GENERATIONS, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'check_expiring_subscriptions';

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('of 1,001 users the last one expires in 5 h: exactly one reminder, "in 5 hours", of the nearest bracket', async () => {
    await using world = await subscriptionWorld(generation);
    world.crowd(1000);
    const last = world.customer('last', { endsInMs: hours(5) });

    expect(await world.run(TASK)).toMatchObject({ checked: 1001, reminded: 1 });

    const [message, ...others] = await world.messages();
    expect(others).toEqual([]);
    expect(message).toMatchObject({ telegram_id: String(last.telegramId), notification_type: 'reminder:6h' });
    const [text] = await world.deliver(last.telegramId!);
    expect(text).toContain('Your subscription ends in 5 hours');
    expect(world.panel.violations()).toEqual([]);
  });

  test('each distance gets the nearest bracket only, LIMITED users too; the others get nothing', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('week', { endsInMs: days(7) });
    world.customer('three_days', { endsInMs: days(3) });
    world.customer('day', { endsInMs: hours(24) });
    world.customer('hours', { endsInMs: hours(6), status: 'LIMITED' });
    world.customer('far', { endsInMs: days(7) + 1000 });
    world.customer('over', { endsInMs: 0 });
    world.customer('banned', { endsInMs: hours(5), status: 'DISABLED' });

    await world.run(TASK);

    const types = (await world.messages()).map(({ message, notification_type: type }) => [
      /<code>(.*)<\/code>/.exec(message)![1],
      type,
    ]);
    expect(Object.fromEntries(types)).toEqual({
      week: 'reminder:7d',
      three_days: 'reminder:3d',
      day: 'reminder:24h',
      hours: 'reminder:6h',
    });
  });

  test('whom the Python worker has reminded of this bracket is not reminded again, and its mark becomes ours', async () => {
    await using world = await subscriptionWorld(generation);
    const { expireAt, id, uuid } = world.customer('told', { endsInMs: hours(5) });
    const userId = generation === 2 ? uuid : String(id);
    await new PythonKeyWriter(world.app.redis.client).reminded(userId, '6h', 6 * 3_600);
    expect(await world.run(TASK)).toMatchObject({ checked: 1, reminded: 0 });
    expect(await world.app.redis.client.get(`cybervpn:sub_reminder:${userId}:6h`)).toBe(
      new Date(expireAt).toISOString(),
    );
  });

  test('two runs at once remind once', async () => {
    await using world = await subscriptionWorld(generation);
    for (let i = 0; i < 20; i += 1) world.customer(`user_${i}`, { endsInMs: hours(5) });
    const results = await Promise.all([world.run(TASK), world.run(TASK), world.run(TASK)]);
    expect(results.reduce((sum, { reminded }) => sum + Number(reminded), 0)).toBe(20);
    expect(await world.messages()).toHaveLength(20);
  });

  test('a run killed half-way and run again reminds everyone once', async () => {
    await using world = await subscriptionWorld(generation);
    for (let i = 0; i < 30; i += 1) world.customer(`user_${i}`, { endsInMs: hours(5) });
    // Killed after the rows were written and before Redis knew: the keys of half of them are not there.
    await world.run(TASK);
    await world.app.database.pool.query(
      'delete from notification_queue where id in (select id from notification_queue order by id limit 15)',
    );
    await world.app.redis.client.flushall();
    expect(await world.run(TASK)).toMatchObject({ reminded: 15 });
    expect(await world.messages()).toHaveLength(30);
    expect(await world.run(TASK)).toMatchObject({ reminded: 0 });
  });

  test('Redis emptied: no second reminder, and the key is there again', async () => {
    await using world = await subscriptionWorld(generation);
    const user = world.customer('anna', { endsInMs: hours(5) });
    await world.run(TASK);
    await world.app.redis.client.flushall();

    expect(await world.run(TASK)).toMatchObject({ reminded: 0 });

    expect(await world.messages()).toHaveLength(1);
    const key = `cybervpn:sub_reminder:${generation === 2 ? user.uuid : user.id}:6h`;
    expect(await world.app.redis.client.get(key)).toBe(new Date(user.expireAt).toISOString());
    const ttl = await world.app.redis.client.pttl(key);
    expect(ttl).toBeGreaterThan(hours(5.9));
    expect(ttl).toBeLessThanOrEqual(hours(6));
  });

  test('renewed and expiring again: reminded again', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: hours(5) });
    await world.run(TASK);
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30) });
    expect(await world.run(TASK)).toMatchObject({ reminded: 0 });
    world.panel.advance(days(30) - hours(4));
    expect(await world.run(TASK)).toMatchObject({ reminded: 1 });
    expect((await world.messages()).map(({ notification_type: type }) => type)).toEqual(['reminder:6h', 'reminder:6h']);
  });

  test('renewed between queueing and sending: not sent', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(5) });
    const boris = world.customer('boris', { endsInMs: hours(5) });
    await world.run(TASK);
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30) });

    expect(await world.deliver(anna.telegramId!)).toEqual([]);
    expect(await world.deliver(boris.telegramId!)).toHaveLength(1);
    const [row] = (await world.messages()).filter((message) => message.telegram_id === String(anna.telegramId));
    expect(row).toMatchObject({ status: 'failed', error_message: 'obsolete' });
  });

  test('a panel that is down does not hold reminders back: what is unknown is sent', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(5) });
    await world.run(TASK);
    world.panel.faults({ kind: 'error', status: 503 });
    expect(await world.deliver(anna.telegramId!)).toHaveLength(1);
  });

  test('a crowd of one person: each of their subscriptions is reminded of by name', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('home', { endsInMs: hours(5), telegramId: 777 });
    world.customer('office', { endsInMs: hours(5), telegramId: 777 });
    await world.run(TASK);
    const texts = (await world.messages()).map(({ message }) => message).join();
    expect(texts).toContain('<code>home</code>');
    expect(texts).toContain('<code>office</code>');
  });

  test('a half list: nothing is queued and the admins are told once, with the counts', async () => {
    await using world = await subscriptionWorld(generation);
    world.crowd(99);
    world.customer('anna', { endsInMs: hours(5) });
    world.panel.lie({ kind: 'half_page', path: '/api/users' });
    expect(await world.run(TASK)).toMatchObject({ held: 1, reminded: 0, checked: 50 });
    expect(await world.run(TASK)).toMatchObject({ held: 1 });
    expect(await world.messages()).toEqual([]);
    const [alert, ...others] = await world.alerts();
    expect(others).toEqual([]);
    expect(alert).toContain('<b>50 users</b>');
    expect(alert).toContain('<b>100</b>');
    world.panel.faults();
    expect(await world.run(TASK)).toMatchObject({ held: 0, reminded: 1 });
  });

  test('an error in the middle of the listing reminds nobody', async () => {
    await using world = await subscriptionWorld(generation);
    world.crowd(1000);
    world.customer('anna', { endsInMs: hours(5) });
    world.panel.faults({ kind: 'error', status: 503, path: generation === 2 ? 'start=950' : 'cursor=' });
    await expect(world.run(TASK)).rejects.toThrow('503');
    expect(await world.messages()).toEqual([]);
  });
});
