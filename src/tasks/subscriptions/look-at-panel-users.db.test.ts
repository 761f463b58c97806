import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { type EventWorld, eventWorld, type PanelDelivery } from '../../testing/event-world.ts';
import { GENERATIONS } from '../../testing/subscription-world.ts';
import { until } from '../../testing/until.ts';

const LOOK = 'look_at_panel_users';
const REMIND = 'check_expiring_subscriptions';
const DISABLE = 'disable_expired_users';
const GB = 1024 ** 3;

/** Hands every event over and looks. */
async function follow(world: EventWorld) {
  for (const delivery of await world.sent()) expect(await world.receive(delivery)).toBe(200);
  return await world.run(LOOK);
}

/** Moves the panel's time to its next look at limits and dates, and follows the events. */
async function panelLooks(world: EventWorld) {
  world.panel.advance(seconds(45));
  return await follow(world);
}

const types = async (world: EventWorld) => (await world.messages()).map((row) => row.notification_type);

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('whose time is over hears of it at once, and no sweep tells it again', async () => {
    await using world = await eventWorld(generation);
    world.customer('anna', { endsInMs: seconds(10) });
    world.customer('boris', { endsInMs: days(20) });
    await follow(world);
    expect(await panelLooks(world)).toEqual({ looked: 1, gone: 0, told: 1, left: 0 });
    expect(await types(world)).toContain('subscription_expired');
    const before = await world.messages();
    await world.run(REMIND);
    await world.run(DISABLE);
    expect(await world.messages()).toEqual(before);
  });

  test('whose traffic is used up hears of it once in a period, and the sweep finds it without events', async () => {
    await using world = await eventWorld(generation);
    const anna = world.customer('anna', { endsInMs: days(20), trafficLimitBytes: 50 * GB, usedTrafficBytes: 50 * GB });
    await world.sent();
    expect(await panelLooks(world)).toMatchObject({ looked: 1, told: 1 });
    const [row] = await world.messages();
    expect(row).toMatchObject({ notification_type: 'traffic_used_up', telegram_id: String(anna.telegramId) });
    expect(await world.deliver(anna.telegramId!)).toEqual([
      expect.stringMatching(
        /^📶 Your traffic is used up\n\nSubscription: anna\nTraffic: 50 GiB\nActive until: .* UTC\n/,
      ),
    ]);
    await world.run(REMIND);
    await world.app.redis.client.flushall();
    await world.run(REMIND);
    expect(await types(world)).toEqual(['traffic_used_up']);

    world.customer('boris', { endsInMs: days(20), trafficLimitBytes: GB, usedTrafficBytes: GB, status: 'LIMITED' });
    expect(await world.run(REMIND)).toMatchObject({ reminded: 1 });
    expect(await types(world)).toEqual(['traffic_used_up', 'traffic_used_up']);
  });

  test('a threshold below the limit tells nobody; at the limit it does, also before the panel has marked the user', async () => {
    await using world = await eventWorld(generation);
    world.customer('anna', { endsInMs: days(20), trafficLimitBytes: 10 * GB, usedTrafficBytes: 8 * GB });
    await world.sent();
    world.panel.tell('user.bandwidth_usage_threshold_reached', 'anna');
    expect(await follow(world)).toMatchObject({ looked: 1, told: 0 });
    world.panel.changeUser('anna', { usedTrafficBytes: 10 * GB });
    world.panel.tell('user.bandwidth_usage_threshold_reached', 'anna');
    expect(await follow(world)).toMatchObject({ looked: 1, told: 1 });
  });

  test('before it was sent the traffic was reset, the limit raised or taken away, the time over, the user switched off: nobody is told', async () => {
    await using world = await eventWorld(generation);
    const now = world.panel.now().getTime();
    const changes = {
      reset: { usedTrafficBytes: 0, status: 'ACTIVE', lastTrafficResetAt: now },
      raised: { trafficLimitBytes: 100 * GB, status: 'ACTIVE' },
      unlimited: { trafficLimitBytes: 0, status: 'ACTIVE' },
      over: { expireAt: now - days(3), status: 'EXPIRED' },
      off: { status: 'DISABLED' },
    } as const;
    for (const name of Object.keys(changes))
      world.customer(name, { endsInMs: days(20), trafficLimitBytes: GB, usedTrafficBytes: GB });
    world.customer('still', { endsInMs: days(20), trafficLimitBytes: GB, usedTrafficBytes: GB });
    expect(await panelLooks(world)).toMatchObject({ told: 6 });
    for (const [name, change] of Object.entries(changes)) world.panel.changeUser(name, change);
    expect(await world.deliver()).toEqual([expect.stringContaining('Subscription: still')]);
    const ends = (await world.messages()).map(({ error_message, status }) => `${status} ${error_message}`).toSorted();
    expect(ends).toEqual([...Array.from({ length: 5 }, () => 'failed obsolete'), 'sent null']);
  });

  test('a raised limit and a reset are a new allowance; the same limit again is not', async () => {
    await using world = await eventWorld(generation);
    const limit = (trafficLimitBytes: number, more: object = {}) =>
      world.panel.changeUser('anna', {
        trafficLimitBytes,
        usedTrafficBytes: trafficLimitBytes,
        status: 'ACTIVE',
        ...more,
      });
    world.customer('anna', { endsInMs: days(20) });
    const told: unknown[] = [];
    for (const step of [
      () => limit(GB),
      () => limit(2 * GB),
      () => limit(GB),
      () => limit(GB, { lastTrafficResetAt: 5 }),
    ]) {
      step();
      told.push((await panelLooks(world)).told);
    }
    expect(told).toEqual([1, 1, 0, 1]);
  });

  test('who used up the traffic long ago is not written to; of whom that is not known is', async () => {
    await using world = await eventWorld(generation);
    const used = { endsInMs: days(20), trafficLimitBytes: GB, usedTrafficBytes: GB, status: 'LIMITED' } as const;
    const online = (agoMs: number) => world.panel.now().getTime() - agoMs;
    world.customer('long_ago', { ...used, onlineAt: online(hours(49)) });
    world.customer('just_now', { ...used, onlineAt: online(hours(1)) });
    world.customer('not_known', used);
    expect(await world.run(REMIND)).toMatchObject({ reminded: 2 });
  });

  test('a deleted user is gone, and the copy in the cache of the backend with it', async () => {
    await using world = await eventWorld(generation);
    const { id, uuid } = world.customer('anna', { endsInMs: hours(5) });
    await world.sent();
    const key = `cybervpn:subscription:${generation === 2 ? uuid : id}`;
    await world.app.redis.client.set(key, 'a copy');
    await world.app.app.services.panel.delete(generation === 2 ? uuid : String(id), new AbortController().signal);
    expect(await follow(world)).toEqual({ looked: 1, gone: 1, told: 0, left: 0 });
    expect(await world.app.redis.client.get(key)).toBeNull();
    expect(await world.messages()).toEqual([]);
  });

  test('a panel that does not answer loses no look', async () => {
    await using world = await eventWorld(generation);
    world.customer('anna', { endsInMs: hours(5) });
    for (const delivery of await world.sent()) await world.receive(delivery);
    world.panel.faults({ kind: 'error', status: 502 });
    await expect(world.run(LOOK)).rejects.toThrow(/502/);
    world.panel.faults();
    expect(await world.run(LOOK)).toMatchObject({ looked: 1, told: 1 });
    expect(await world.run(LOOK)).toMatchObject({ looked: 0 });
  });

  test('a brake that holds the sweep, and a sweep that is switched off, hold their part here', async () => {
    await using world = await eventWorld(generation, { DISABLED_TASKS: DISABLE });
    for (let i = 0; i < 60; i += 1) world.customer(`crowd_${i}`, { endsInMs: hours(5) });
    expect(await world.run(REMIND)).toMatchObject({ held: 1 });
    await world.sent();
    world.customer('anna', { endsInMs: hours(5) });
    world.customer('boris', { endsInMs: -hours(1), status: 'EXPIRED' });
    expect(await follow(world)).toMatchObject({ looked: 2, told: 0 });
    expect(await world.messages()).toEqual([]);
  });
});

test('a trickle of events tells no more than the brake always lets pass; the sweeps tell the rest', async () => {
  await using world = await eventWorld(3);
  let told = 0;
  let left = 0;
  for (let round = 0; round < 6; round += 1) {
    for (let i = 0; i < 10; i += 1) world.customer(`due_${round}_${i}`, { endsInMs: hours(5) });
    const counts = await follow(world);
    told += Number(counts.told);
    left += Number(counts.left);
  }
  expect([told, left]).toEqual([49, 11]);
  expect([await world.waiting(REMIND), await world.waiting(DISABLE)]).toEqual([1, 1]);
  expect(await world.run(REMIND)).toMatchObject({ reminded: 11 });
});

test('10,000 events at once: nobody is asked for by name, each cache is dropped, and each sweep runs once', async () => {
  await using world = await eventWorld(2);
  const { customerLooks } = world.app.app.services;
  const uuid = (i: number) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
  const names = Array.from({ length: 10_000 }, (_, i) => i % 5_000);
  await Promise.all(names.map((i, n) => customerLooks.ask({ username: `user_${i}`, ids: [uuid(i)] }, String(n))));
  await world.app.redis.client.set(`cybervpn:subscription:${uuid(4_999)}`, 'a copy');
  world.panel.forgetCalls();
  expect(await world.run(LOOK)).toEqual({ looked: 0, gone: 0, told: 0, left: 5_000 });
  expect(world.panel.calls().counts).toEqual({});
  expect(await world.app.redis.client.exists(`cybervpn:subscription:${uuid(4_999)}`)).toBe(0);
  await Promise.all(names.map((i, n) => customerLooks.ask({ username: `user_${i}`, ids: [] }, `again ${n}`)));
  expect(await world.run(LOOK)).toMatchObject({ left: 5_000 });
  expect([await world.waiting(REMIND), await world.waiting(DISABLE)]).toEqual([1, 1]);
  expect(await world.run(LOOK)).toMatchObject({ looked: 0, left: 0 });
});

test('so many wait at most; what more there is, the sweeps find', async () => {
  await using world = await eventWorld(3);
  const { customerLooks } = world.app.app.services;
  const waiting = Array.from({ length: 19_999 }, (_, i) => [`user_${i}`, '{}']);
  await world.app.redis.client.hset('cybervpn:subscriptions:looks', ...waiting.flat());
  const ask = (username: string) => customerLooks.ask({ username, ids: [] }, 'x');
  expect([await ask('anna'), await ask('boris'), await ask('ANNA')]).toEqual([true, false, true]);
  // Entries that are not a look of ours are removed.
  expect(await world.run(LOOK)).toMatchObject({ looked: 0, left: 1 });
});

test('an event that comes while its user is looked at is looked at again', async () => {
  await using world = await eventWorld(3);
  world.customer('anna', { endsInMs: days(30) });
  for (const delivery of await world.sent()) await world.receive(delivery);
  world.panel.faults({ kind: 'latency', ms: 300 });
  const asked = (): number => Object.values(world.panel.calls().counts).reduce((sum, count) => sum + count, 0);
  const before = asked();
  const running = world.run(LOOK);
  await until('the panel is asked about the user', () => asked() > before);
  world.panel.tell('user.modified', 'anna');
  for (const delivery of await world.sent()) await world.receive(delivery);
  expect(await running).toMatchObject({ looked: 1 });
  expect(await world.waiting(LOOK)).toBe(1);
  expect(await world.run(LOOK)).toMatchObject({ looked: 1 });
});

test('the panel is upgraded in between: who was told of used-up traffic is not told again', async () => {
  await using world = await eventWorld(2);
  world.customer('anna', { endsInMs: days(20), trafficLimitBytes: GB, usedTrafficBytes: GB });
  expect(await panelLooks(world)).toMatchObject({ told: 1 });
  world.panel.upgrade();
  world.panel.tell('user.limited', 'anna');
  expect(await follow(world)).toMatchObject({ looked: 1, told: 0 });
  await world.run(REMIND);
  expect(await types(world)).toEqual(['traffic_used_up']);
});

describe('events that are lost, doubled, out of order and replayed', () => {
  /** One of them hears events as they come, the other none; both have their sweeps. */
  let worlds: readonly EventWorld[];
  const START = new Date('2026-11-20T10:00:00Z');
  beforeAll(async () => {
    worlds = [await eventWorld(3, {}, START), await eventWorld(3, {}, START)];
  });
  afterAll(async () => {
    for (const world of worlds) await world[Symbol.asyncDispose]();
  });

  const step = fc.record({
    user: fc.nat(3),
    act: fc.constantFrom('expire', 'extend', 'limit', 'reset', 'raise', 'delete', 'nothing'),
    afterMs: fc.constantFrom(minutes(1), hours(2), hours(20)),
    /** Which of the events so far are handed over after this step, in this order. */
    heard: fc.array(fc.nat(), { maxLength: 8 }),
  });

  /** What the panel does to a user; the same in both worlds. */
  function act(world: EventWorld, username: string, what: string): void {
    const user = world.panel.user(username);
    const now = world.panel.now().getTime();
    if (!user || what === 'nothing') return;
    const { trafficLimitBytes } = user;
    if (what === 'expire') world.panel.changeUser(username, { expireAt: now + seconds(20) });
    if (what === 'extend') world.panel.changeUser(username, { expireAt: now + days(3), status: 'ACTIVE' });
    if (what === 'limit') world.panel.changeUser(username, { usedTrafficBytes: trafficLimitBytes });
    if (what === 'reset')
      world.panel.changeUser(username, { usedTrafficBytes: 0, status: 'ACTIVE', lastTrafficResetAt: now });
    if (what === 'raise')
      world.panel.changeUser(username, { trafficLimitBytes: trafficLimitBytes + GB, status: 'ACTIVE' });
    if (what === 'delete') world.panel.changeUser(username, { status: 'DISABLED' });
    world.panel.tell('user.modified', username);
  }

  const state = async (world: EventWorld) =>
    (await world.messages())
      .map(({ id, notification_type, status, telegram_id }) => `${id} ${telegram_id} ${notification_type} ${status}`)
      .toSorted();

  test('leave the same behind as polling alone', async () => {
    let run = 0;
    const history: PanelDelivery[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        run += 1;
        const name = (i: number) => `run${run}_${i}`;
        for (const world of worlds)
          for (let i = 0; i < 4; i += 1)
            world.customer(name(i), { endsInMs: days(2 * i) + hours(7), trafficLimitBytes: GB });
        for (const { act: what, afterMs, heard, user } of steps) {
          for (const [i, world] of worlds.entries()) {
            act(world, name(user), what);
            world.panel.advance(afterMs);
            const sent = await world.sent();
            if (i === 0) {
              history.push(...sent);
              const some = history.length === 0 ? [] : heard.map((at) => history.at(-1 - (at % history.length))!);
              for (const delivery of some) await world.receive(delivery);
              await world.run(LOOK);
            }
            await world.run(REMIND);
            await world.run(DISABLE);
            await world.deliver();
          }
        }
        expect(await state(worlds[0]!)).toEqual(await state(worlds[1]!));
      }),
      { numRuns: 4 },
    );
    expect((await state(worlds[0]!)).length).toBeGreaterThan(0);
  }, 120_000);
});
