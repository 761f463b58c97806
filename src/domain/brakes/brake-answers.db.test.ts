import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { parseCsv } from '../../testing/rfc4180.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'disable_expired_users';
const LATE = 60;

/** A world whose run is held, because 60 of 160 users are late. */
async function heldWorld(generation: 2 | 3): Promise<SubscriptionWorld> {
  const world = await subscriptionWorld(generation);
  world.crowd(100);
  for (let i = 0; i < LATE; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
  expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });
  return world;
}

const brakeOf = (world: SubscriptionWorld) => world.app.app.services.brake;

/** The subjects of the list that the hold shows. */
async function shown(world: SubscriptionWorld): Promise<string[]> {
  const [held] = await brakeOf(world).list();
  const text = await readFile(join(world.app.env.EXPORT_DIR!, `${held!.list!.exportId}.csv`), 'utf8');
  return parseCsv(text)
    .slice(1)
    .map(([, subject]) => subject!);
}

const disabled = (world: SubscriptionWorld, names: readonly string[]): string[] =>
  names.filter((name) => world.panel.user(name)?.status === 'DISABLED');

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('the hold shows whom the run would touch, which is whom it touches when it may run', async () => {
    await using world = await heldWorld(generation);
    const names = await shown(world);
    expect(names).toHaveLength(LATE);
    await brakeOf(world).confirm(TASK, world.panel.now(), 'go');
    expect(await world.run(TASK)).toMatchObject({ held: 0, disabled: LATE });
    expect(disabled(world, names)).toEqual(names);
  });

  test('run for these only: who came since stays, who was extended since stays', async () => {
    await using world = await heldWorld(generation);
    const names = await shown(world);
    world.customer('newcomer', { endsInMs: -hours(1) });
    world.panel.changeUser('late_7', { expireAt: world.panel.now().getTime() + days(30) });

    await brakeOf(world).confirm(TASK, world.panel.now(), 'only_these');
    expect(await world.run(TASK)).toMatchObject({ held: 0, disabled: LATE - 1 });

    expect(disabled(world, names)).toEqual(names.filter((name) => name !== 'late_7'));
    expect(disabled(world, ['newcomer', 'late_7'])).toEqual([]);
  });

  test('run for these only, and as many others: those are held anew, and the admins are told of them', async () => {
    await using world = await heldWorld(generation);
    await brakeOf(world).confirm(TASK, world.panel.now(), 'only_these');
    for (let i = 0; i < LATE; i += 1) world.customer(`other_${i}`, { endsInMs: -hours(1) });
    expect(await world.run(TASK)).toMatchObject({ disabled: LATE });
    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });
    expect(await brakeOf(world).list()).toMatchObject([{ name: TASK, wouldTouch: LATE }]);
    expect((await shown(world)).every((name) => name.startsWith('other_'))).toBe(true);
  });

  test('not this time: nothing is done and nobody is told again for a day; then it is asked anew', async () => {
    await using world = await heldWorld(generation);
    const names = await shown(world);
    await brakeOf(world).confirm(TASK, world.panel.now(), 'not_this_time');
    expect(await brakeOf(world).list()).toEqual([]);
    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });
    expect(await brakeOf(world).list()).toEqual([]);
    expect(await world.alerts()).toHaveLength(1);

    expect(await world.run(TASK, { now: new Date(world.panel.now().getTime() + days(1)) })).toMatchObject({ held: 1 });
    expect(await brakeOf(world).list()).toMatchObject([{ name: TASK }]);
    expect(disabled(world, names)).toEqual([]);
  });

  test('without a list there is no running for these only', async () => {
    await using world = await heldWorld(generation);
    const { redis } = world.app;
    const hold = JSON.parse((await redis.client.hget('cybervpn:brake:holds', TASK))!) as object;
    await redis.client.hset('cybervpn:brake:holds', TASK, JSON.stringify({ ...hold, list: undefined }));
    await expect(brakeOf(world).confirm(TASK, world.panel.now(), 'only_these')).rejects.toThrow('no list was shown');
    expect(await brakeOf(world).list()).toHaveLength(1);
  });
});
