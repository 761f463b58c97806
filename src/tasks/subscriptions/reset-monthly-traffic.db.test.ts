import { describe, expect, test } from 'vitest';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import type { Result } from '../../runtime/define-task.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'reset_monthly_traffic';
const MIDNIGHT = new Date('2026-12-01T00:00:00.000Z');
const LIMITED = { trafficLimitBytes: 1000, usedTrafficBytes: 400 } as const;

/** A world at midnight on the 1st, whose users were there before. */
const onTheFirst = (generation: 2 | 3, environment: Record<string, string> = {}) =>
  subscriptionWorld(generation, environment, MIDNIGHT);

/** The task as the queue runs it: looked at again after each snooze, as long as the test says. */
async function runToTheEnd(world: SubscriptionWorld, looks = 5): Promise<Result> {
  for (let look = 1; ; look += 1) {
    try {
      return await world.run(TASK, { enqueuedAt: MIDNIGHT, jobId: 'the-month' });
    } catch (error) {
      if (!(error instanceof SnoozeError) || look === looks) throw error;
      await settled(world);
      world.panel.advance(error.delayMs);
    }
  }
}

/** Panel 3.x does bulk calls after its answer. */
const settled = async (world: SubscriptionWorld): Promise<void> => {
  const { port } = world.panel;
  const isQuiet = (): boolean => [...asked(world)].every((name) => world.panel.user(name)?.usedTrafficBytes === 0);
  for (let i = 0; i < 200 && !isQuiet(); i += 1) await fetch(`http://127.0.0.1:${port}/_sandbox/clock`);
};

/** Names of those whom the panel was asked to reset, once for each time. */
function asked(world: SubscriptionWorld): string[] {
  return world.panel.calls().mutations.flatMap(({ body, route }) => {
    if (!route.endsWith('/bulk/reset-traffic')) return [];
    const { uuids = [], userIds = [] } = body as { uuids?: string[]; userIds?: number[] };
    const ids = new Set<string | number>([...uuids, ...userIds]);
    return names(world).filter((name) => {
      const user = world.panel.user(name)!;
      return ids.has(user.uuid) || ids.has(user.id);
    });
  });
}

const names = (world: SubscriptionWorld): string[] =>
  Array.from({ length: 260 }, (_, i) => [`user_${i}`, `other_${i}`])
    .flat()
    .filter((name) => world.panel.user(name));

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('active users whose strategy leaves the reset to us are reset, the panel does the others, then all are told', async () => {
    await using world = await onTheFirst(generation);
    world.crowd(10);
    world.customer('user_0', { endsInMs: days(9), ...LIMITED });
    world.customer('user_1', { endsInMs: days(9), ...LIMITED, usedTrafficBytes: 1000, status: 'LIMITED' });
    world.customer('user_2', { endsInMs: days(9), ...LIMITED, telegramId: null });
    world.customer('other_0', { endsInMs: days(9), ...LIMITED, trafficLimitStrategy: 'MONTH' });
    world.customer('other_1', { endsInMs: days(9), usedTrafficBytes: 400 });
    world.customer('other_2', { endsInMs: days(9), ...LIMITED, status: 'DISABLED' });
    world.customer('other_3', { endsInMs: -days(9), ...LIMITED, status: 'EXPIRED' });
    world.customer('other_4', { endsInMs: days(9), ...LIMITED, createdAt: MIDNIGHT.getTime() });

    expect(await runToTheEnd(world)).toMatchObject({ reset: 3, told: 2, held: 0 });

    expect(new Set(asked(world))).toEqual(new Set(['user_0', 'user_1', 'user_2']));
    expect(asked(world)).toHaveLength(3);
    expect(world.panel.user('user_1')).toMatchObject({ status: 'ACTIVE', usedTrafficBytes: 0 });
    const jobs = await world.app.app.queues.get('notifications').getJobs(['waiting', 'prioritized', 'delayed']);
    const broadcasts = jobs.filter(({ name }) => name === 'broadcast_message');
    expect(broadcasts.map(({ data }) => data.payload)).toMatchObject([
      { telegram_ids: [world.panel.user('user_0')!.telegramId, world.panel.user('user_1')!.telegramId] },
    ]);
    expect(await world.audits('traffic.monthly_reset')).toMatchObject([{ entity_id: '2026-12' }]);
    expect(world.panel.violations()).toEqual([]);
  });

  test('100 at a time', async () => {
    await using world = await onTheFirst(generation, { SAFETY_MAX_SHARE: '100%' });
    for (let i = 0; i < 250; i += 1) world.customer(`user_${i}`, { endsInMs: days(9), ...LIMITED });
    expect(await runToTheEnd(world)).toMatchObject({ reset: 250 });
    const sizes = world.panel.calls().mutations.map(({ body }) => Object.values(body as object).flat().length);
    expect(sizes).toEqual([100, 100, 50]);
  });

  test('a crash half-way goes on where it was and resets nobody twice', async () => {
    await using world = await onTheFirst(generation, { SAFETY_MAX_SHARE: '100%' });
    for (let i = 0; i < 250; i += 1) world.customer(`user_${i}`, { endsInMs: days(9), ...LIMITED });
    const killed = new AbortController();
    const dying = world.run(TASK, { enqueuedAt: MIDNIGHT, signal: killed.signal });
    while (world.panel.calls().mutations.length < 1) await new Promise((resolve) => setImmediate(resolve));
    killed.abort(new Error('killed'));
    await expect(dying).rejects.toThrow();
    await settled(world);
    expect(asked(world).length).toBeLessThan(250);

    world.panel.advance(seconds(60));
    expect(await runToTheEnd(world)).toMatchObject({ reset: 250 });
    expect(asked(world)).toHaveLength(names(world).length);
    expect(new Set(asked(world))).toEqual(new Set(names(world)));
  });

  test('with Redis emptied half-way nobody is reset twice and the broadcast goes out once', async () => {
    await using world = await onTheFirst(generation, { SAFETY_MAX_SHARE: '100%' });
    for (let i = 0; i < 120; i += 1) world.customer(`user_${i}`, { endsInMs: days(9), ...LIMITED });
    await expect(world.run(TASK, { enqueuedAt: MIDNIGHT })).rejects.toThrow(SnoozeError);
    await settled(world);
    await world.app.redis.client.flushall();
    world.panel.advance(seconds(30));
    expect(await runToTheEnd(world)).toMatchObject({ reset: 120, told: 120 });
    await world.app.redis.client.flushall();
    world.panel.advance(days(12));
    expect(await world.run(TASK, { enqueuedAt: world.panel.now() })).toMatchObject({ told: 0 });
    expect(asked(world)).toHaveLength(names(world).length);
    expect(new Set(asked(world))).toEqual(new Set(names(world)));
    const jobs = await world.app.app.queues.get('notifications').getJobs(['waiting', 'prioritized', 'delayed']);
    expect(jobs.filter(({ name }) => name === 'broadcast_message')).toEqual([]);
  });

  test('a call whose answer is lost is not made again for those whom the panel did reset', async () => {
    await using world = await onTheFirst(generation);
    world.crowd(50);
    for (let i = 0; i < 5; i += 1) world.customer(`user_${i}`, { endsInMs: days(9), ...LIMITED });
    world.panel.faults({ kind: 'cut_after', path: '/bulk/reset-traffic', count: 1 });
    await expect(world.run(TASK, { enqueuedAt: MIDNIGHT })).rejects.toThrow(SnoozeError);
    await settled(world);
    world.panel.advance(seconds(60));
    expect(await runToTheEnd(world)).toMatchObject({ reset: 5 });
    expect(asked(world)).toHaveLength(5);
  });
});

test('what the panel never did is asked for again after some minutes, and given up after two hours', async () => {
  await using world = await onTheFirst(3);
  world.crowd(50);
  world.customer('user_0', { endsInMs: days(9), ...LIMITED });
  const { redis } = world.app;
  const id = world.panel.user('user_0')!.id;
  const earlier = { first: MIDNIGHT.getTime(), [String(id)]: MIDNIGHT.getTime() };
  await redis.client.hset('cybervpn:subscriptions:resets:2026-12', earlier);
  world.panel.advance(minutes(1));
  await expect(world.run(TASK, { enqueuedAt: MIDNIGHT })).rejects.toThrow(SnoozeError);
  expect(asked(world)).toEqual([]);
  world.panel.advance(minutes(5));
  await expect(world.run(TASK, { enqueuedAt: MIDNIGHT })).rejects.toThrow(SnoozeError);
  expect(asked(world)).toEqual(['user_0']);

  await settled(world);
  world.panel.changeUser('user_0', { usedTrafficBytes: 400, lastTrafficResetAt: null });
  world.panel.advance(hours(2));
  await expect(world.run(TASK, { enqueuedAt: MIDNIGHT })).rejects.toThrow('the panel has not done since');
});

test('more users than may be touched at once wait for an admin, also beyond the 1st', async () => {
  await using world = await onTheFirst(3);
  for (let i = 0; i < 60; i += 1) world.customer(`user_${i}`, { endsInMs: days(99), ...LIMITED });
  expect(await world.run(TASK, { enqueuedAt: MIDNIGHT })).toMatchObject({ held: 1, reset: 0 });
  expect(asked(world)).toEqual([]);
  world.panel.advance(days(2));
  await world.run(TASK);
  expect(await world.app.app.services.brake.confirm(TASK, world.panel.now())).toMatchObject({ wouldTouch: 60 });
  const [job] = await world.app.app.queues.get('subscriptions').getJobs(['waiting', 'prioritized']);
  expect(job!.name).toBe(TASK);
  expect(await runToTheEnd(world)).toMatchObject({ reset: 60 });
});

test('a month of which nobody had anything to reset is told to nobody', async () => {
  await using world = await onTheFirst(3);
  world.crowd(10);
  expect(await world.run(TASK, { enqueuedAt: MIDNIGHT })).toMatchObject({ reset: 0, told: 0 });
  expect(await world.audits('traffic.monthly_reset')).toEqual([]);
});
