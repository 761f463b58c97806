import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const REMIND = 'check_expiring_subscriptions';
const DISABLE = 'disable_expired_users';

describe('several subscriptions of one person', () => {
  let world: SubscriptionWorld;
  let chat = 700_000;
  beforeAll(async () => {
    world = await subscriptionWorld(3);
    world.crowd(400);
  });
  afterAll(() => world[Symbol.asyncDispose]());
  afterEach(() => {
    chat += 1;
  });

  const own = (username: string, endsInMs: number) => world.customer(username, { endsInMs, telegramId: chat });
  const states = async (): Promise<string[]> =>
    (await world.messages()).filter(({ telegram_id: id }) => id === String(chat)).map(({ status }) => status);

  test('that end together are one message with a line for each, the nearest first, and each is told once', async () => {
    own('phone', hours(5));
    own('laptop', hours(3));
    own('router', days(2));
    await world.run(REMIND);
    const sent = await world.deliver(chat);
    expect(sent).toHaveLength(2);
    const [together] = sent.filter((text) => text.includes('phone'));
    expect(together).toMatch(/^🔴 Your subscriptions end soon: 2\n\n• laptop – in 3 hours, .*\n• phone – in 5 hours, /);
    expect(sent.find((text) => text.includes('router'))).toMatch(/^🟡 Your subscription ends in 2 days/);
    expect(await states()).toEqual(['sent', 'sent', 'sent']);
    await world.app.redis.client.flushall();
    expect(await world.run(REMIND)).toMatchObject({ reminded: 0 });
    expect(await world.deliver(chat)).toHaveLength(2);
  });

  test('of which one is renewed meanwhile: the other alone is told, in the words for one', async () => {
    own('stays', hours(5));
    own('renewed', hours(5));
    await world.run(REMIND);
    world.panel.changeUser('renewed', { expireAt: world.panel.now().getTime() + days(30) });
    expect(await world.deliver(chat)).toEqual([
      expect.stringMatching(/^🔴 Your subscription ends in 5 hours\n\n.*stays/),
    ]);
  });

  test('that have ended are one message too', async () => {
    own('one', -hours(1));
    own('two', -hours(2));
    await world.run(DISABLE);
    expect(await world.deliver(chat)).toEqual([
      expect.stringMatching(/^⛔ Your subscriptions have ended: 2\n\n• two – .*\n• one – /),
    ]);
    expect(await world.run(DISABLE)).toMatchObject({ told: 0 });
  });

  test('of which there are many become messages of ten', async () => {
    for (let i = 0; i < 23; i += 1) own(`many_${i}_${'x'.repeat(15)}`, hours(5));
    await world.run(REMIND);
    const sent = await world.deliver(chat);
    for (let i = 0; i < 23; i += 1) expect(sent.filter((text) => text.includes(`many_${i}_`))).toHaveLength(1);
    expect(await states()).toEqual(Array.from({ length: 23 }, () => 'sent'));
  });

  test('of which the message is refused are failed, each', async () => {
    own('a', hours(5));
    own('b', hours(5));
    world.app.telegram.setChat(chat, { state: 'blocked' });
    await world.run(REMIND);
    expect(await world.deliver(chat)).toEqual([]);
    expect(await states()).toEqual(['failed', 'failed']);
  });
});
