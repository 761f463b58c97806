import { describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { subscriptionExpiring } from '../../messages/subscriptions.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'check_expiring_subscriptions';

const TROUBLES = ['panel', 'redis', 'none', 'both'] as const;
type Trouble = (typeof TROUBLES)[number];

/** Hours from the first sweep on: when swept, when delivered. `told`: what reaches the customer, all of it. */
const CASES: readonly { what: string; ends: number; sweeps: number[]; delivered: number; told: string[] }[] = [
  { what: 'delivered at once', ends: 20, sweeps: [0], delivered: 0, told: ['in 20 hours'] },
  { what: 'delivered a little later', ends: 20, sweeps: [0], delivered: 2, told: ['in 18 hours'] },
  { what: 'Telegram away for 15 h, swept again (M5)', ends: 20, sweeps: [0, 15], delivered: 15, told: ['in 5 hours'] },
  {
    what: 'swept by four brackets, delivered in the last',
    ends: 167,
    sweeps: [0, 100, 150, 162],
    delivered: 163,
    told: ['in 4 hours'],
  },
  {
    what: 'swept in two brackets that are not neighbours',
    ends: 167,
    sweeps: [0, 162],
    delivered: 162,
    told: ['in 5 hours'],
  },
  { what: 'days that have become fewer', ends: 167, sweeps: [0], delivered: 24, told: ['in 6 days'] },
  { what: 'days that have become hours', ends: 71, sweeps: [0], delivered: 46, told: ['in 25 hours'] },
  { what: 'hours that have become minutes', ends: 5, sweeps: [0], delivered: 4.5, told: ['in 30 minutes'] },
  { what: 'over before it was delivered', ends: 5, sweeps: [0], delivered: 5.1, told: [] },
  { what: 'over to the moment', ends: 5, sweeps: [0], delivered: 5, told: [] },
  { what: 'all of them over', ends: 167, sweeps: [0, 100, 150, 162], delivered: 200, told: [] },
];

async function suffer(world: SubscriptionWorld, trouble: Trouble): Promise<void> {
  if (trouble === 'panel' || trouble === 'both') world.panel.faults({ kind: 'error', status: 503 });
  if (trouble === 'redis' || trouble === 'both') await world.app.redis.client.flushall();
}

/** Each subscription that a text tells of, with its distance: a line for each where rows were claimed together, or the text for one. */
function toldEach(text: string): string[] {
  const lines = [...text.matchAll(/^• (?<username>\w+) – (?<distance>in \d+ \w+),/gm)];
  const found = lines.length > 0 ? lines : [...text.matchAll(/ends (?<distance>in \d+ \w+).*?: (?<username>\w+)\n/gs)];
  return found.map(({ groups }) => `${groups?.username} ${groups?.distance}`);
}

describe.each(GENERATIONS)('reminders that waited, on panel %i.x', (generation) => {
  test.each(
    CASES.flatMap((one, i) => (i === 2 ? TROUBLES : TROUBLES.slice(2)).map((trouble) => ({ ...one, trouble }))),
  )('$what, trouble at delivery: $trouble', async ({ delivered, ends, sweeps, told, trouble }) => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: hours(ends) });
    const startedAt = world.panel.now().getTime();
    const goTo = (h: number) => world.panel.advance(startedAt + hours(h) - world.panel.now().getTime());
    for (const sweep of sweeps) {
      goTo(sweep);
      expect(await world.run(TASK)).toMatchObject({ reminded: 1 });
    }
    goTo(delivered);
    await suffer(world, trouble);

    const texts = await world.deliver();

    expect(texts.map((text) => /ends (in \d+ \w+)/.exec(text)?.[1])).toEqual(told);
    const rows = await world.messages();
    expect(rows.filter(({ status }) => status === 'sent')).toHaveLength(told.length);
    for (const { error_message, status } of rows.filter((row) => row.status !== 'sent'))
      expect([status, error_message]).toEqual(['failed', 'obsolete']);
  });

  test('a bracket that begins between sweep and delivery is told once: the sweep that follows adds nothing', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(6) + minutes(2) });
    await world.run(TASK);
    world.panel.advance(minutes(5));
    expect((await world.deliver(anna.telegramId!)).join()).toContain('in 6 hours');
    world.panel.advance(minutes(55));
    expect(await world.run(TASK)).toMatchObject({ reminded: 0 });
    expect(await world.deliver(anna.telegramId!)).toHaveLength(1);
    expect((await world.messages()).map((row) => `${row.notification_type} ${row.status}`).toSorted()).toEqual([
      'reminder:24h failed',
      'reminder:6h sent',
    ]);
  });

  test('a reminder that Telegram refused for now does not follow the nearer one that has arrived', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(7) });
    await world.run(TASK);
    world.app.telegram.faults({ kind: 'error', status: 502, path: 'sendMessage', count: 1 });
    expect(await world.deliver(anna.telegramId!)).toEqual([]);
    world.panel.advance(hours(2));
    await world.run(TASK);
    expect(await world.deliver(anna.telegramId!)).toHaveLength(1);
    await world.app.database.pool.query("update notification_queue set scheduled_at = now() where status = 'pending'");
    expect(await world.deliver(anna.telegramId!)).toHaveLength(1);
  });

  test('two subscriptions of one chat, two workers at once: each is told of once, with its own distance', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('home', { endsInMs: hours(20), telegramId: 777 });
    world.customer('office', { endsInMs: hours(22), telegramId: 777, status: 'LIMITED' });
    await world.run(TASK);
    world.panel.advance(hours(17));
    await Promise.all([world.deliver(), world.deliver()]);
    const texts = await world.deliver(777);
    expect(texts.flatMap(toldEach).toSorted()).toEqual(['home in 3 hours', 'office in 5 hours']);
  });

  test('the colour follows the distance at the send, and a reminder that is sent at once reads as ever, byte for byte', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: days(2.4), telegramId: 801 });
    world.customer('boris', { endsInMs: days(6), telegramId: 802 });
    await world.run(TASK);
    expect((await world.messages()).map(({ message }) => message.slice(0, 2)).toSorted()).toEqual(['🟡', '🟢']);
    const renewUrl = 'https://t.me/sandbox_bot?start=renew';
    await world.deliver(801);
    const facts = { username: 'anna', expiresAt: new Date(anna.expireAt), renewUrl };
    expect(world.app.telegram.messages({ chatId: 801 })[0]!.text).toBe(
      String(subscriptionExpiring(facts, world.panel.now(), 'en')),
    );
  });

  test('renewed while it waited: nothing is told, whichever bracket it was in', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: hours(20) });
    await world.run(TASK);
    world.panel.advance(hours(15));
    await world.run(TASK);
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30) });
    expect(await world.deliver()).toEqual([]);
    expect((await world.messages()).map((row) => row.error_message)).toEqual(['obsolete', 'obsolete']);
  });

  test('"has ended" that waited is dropped once the customer has renewed, and told with its date else', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: -hours(1), status: 'EXPIRED' });
    const boris = world.customer('boris', { endsInMs: -hours(1), status: 'EXPIRED' });
    await world.run('disable_expired_users');
    world.panel.advance(hours(30));
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30), status: 'ACTIVE' });
    expect(await world.deliver(anna.telegramId!)).toEqual([]);
    const [text] = await world.deliver(boris.telegramId!);
    expect(text).toContain(`Ended: ${new Date(boris.expireAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`);
  });
});
