import { describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { GENERATIONS, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'disable_expired_users';

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('an empty list: nothing happens, and the admins are told with the counts', async () => {
    await using world = await subscriptionWorld(generation);
    world.crowd(60);
    await world.run(TASK);
    world.customer('anna', { endsInMs: -hours(1) });
    world.panel.lie({ kind: 'empty', path: '/api/users' });

    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0, checked: 0 });

    expect(world.panel.user('anna')!.status).toBe('ACTIVE');
    const [alert, ...others] = await world.alerts();
    expect(others).toEqual([]);
    expect(alert).toContain('The panel listed <b>0 users</b> where about <b>61</b> should be');
    expect(alert).toContain('Read the list on the page “Now” of the console and decide');
    expect(alert).not.toContain('task-worker');
  });

  test('more than a fifth of all users at once: held until an admin confirms, then it goes on', async () => {
    await using world = await subscriptionWorld(generation);
    world.crowd(100);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });

    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });
    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });

    expect(world.panel.calls().mutations).toEqual([]);
    expect(await world.alerts()).toHaveLength(1);
    expect((await world.alerts())[0]).toContain('<b>60</b> of 160 users (37.5 %)');

    const { brake } = world.app.app.services;
    expect(await brake.list()).toMatchObject([{ name: TASK, wouldTouch: 60, listed: 160, reason: 'share' }]);
    expect(await brake.confirm(TASK, world.panel.now())).toMatchObject({ wouldTouch: 60 });
    expect(await brake.list()).toEqual([]);
    const waiting = await world.app.app.queues.get('subscriptions').getJobs(['waiting', 'prioritized']);
    expect(waiting.map(({ name }) => name)).toEqual([TASK]);

    expect(await world.run(TASK)).toMatchObject({ held: 0, disabled: 60, told: 60 });
    expect(await world.alerts()).toHaveLength(1);
  });

  test('a share of fewer than 50 users is no mass effect', async () => {
    await using world = await subscriptionWorld(generation);
    for (let i = 0; i < 49; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    expect(await world.run(TASK)).toMatchObject({ held: 0, disabled: 49 });
  });

  test('a confirmed run that is cut off goes on under the same word', async () => {
    await using world = await subscriptionWorld(generation);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    await world.run(TASK);
    await world.app.app.services.brake.confirm(TASK, world.panel.now());
    world.panel.faults({ kind: 'error', status: 503, path: '/actions/disable', count: 1 });
    await expect(world.run(TASK)).rejects.toThrow('503');
    world.panel.faults();
    expect(await world.run(TASK)).toMatchObject({ held: 0 });
    expect(await world.audits('subscription.disabled')).toHaveLength(60);
  });
});

describe('the word of an admin', () => {
  test('covers what was told and not more', async () => {
    await using world = await subscriptionWorld(3);
    world.crowd(100);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    await world.run(TASK);
    await world.app.app.services.brake.confirm(TASK, world.panel.now());
    for (let i = 0; i < 60; i += 1) world.customer(`later_${i}`, { endsInMs: -hours(1) });

    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });

    expect((await world.alerts()).at(-1)).toContain('<b>120</b> of 220');
  });

  test('is over after a day', async () => {
    await using world = await subscriptionWorld(3);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    const now = world.panel.now();
    await world.run(TASK);
    await world.app.app.services.brake.confirm(TASK, now);
    const late = new Date(now.getTime() + days(1) + minutes(1));
    expect(await world.run(TASK, { now: late })).toMatchObject({ held: 1, disabled: 0 });
  });

  test('is asked for again each day while nobody has decided', async () => {
    await using world = await subscriptionWorld(3);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    const now = world.panel.now().getTime();
    for (const hoursLater of [0, 1, 23, 25, 30]) await world.run(TASK, { now: new Date(now + hours(hoursLater)) });
    expect(await world.alerts()).toHaveLength(2);
  });

  test('is not needed any more once the reason is gone', async () => {
    await using world = await subscriptionWorld(3);
    world.crowd(60);
    await world.run(TASK);
    world.panel.lie({ kind: 'empty', path: '/api/users' });
    await world.run(TASK);
    world.panel.faults();
    expect(await world.run(TASK)).toMatchObject({ held: 0 });
    expect(await world.app.app.services.brake.list()).toEqual([]);
    expect(await world.app.app.services.brake.confirm(TASK, world.panel.now())).toBeUndefined();
  });

  test('is asked for again by the next run where Redis has lost the hold', async () => {
    await using world = await subscriptionWorld(3);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    await world.run(TASK);
    await world.app.redis.client.flushall();
    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });
  });

  test('two runs at once tell the admins once', async () => {
    await using world = await subscriptionWorld(3);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    await Promise.all([world.run(TASK), world.run(TASK)]);
    expect(await world.alerts()).toHaveLength(1);
  });

  test('an installation that was really halved goes on once confirmed, and the new size is the one to compare with', async () => {
    await using world = await subscriptionWorld(3);
    world.crowd(100);
    await world.run(TASK);
    const { brake, panel } = world.app.app.services;
    const signal = new AbortController().signal;
    await panel.bulkDelete(
      Array.from({ length: 50 }, (_, i) => String(i + 1)),
      signal,
    );
    expect(await world.run(TASK)).toMatchObject({ held: 1 });
    await brake.confirm(TASK, world.panel.now());
    expect(await world.run(TASK)).toMatchObject({ held: 0 });
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ held: 0 });
  });
});
