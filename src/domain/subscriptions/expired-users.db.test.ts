import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'disable_expired_users';
const never = new AbortController().signal;

const turning = ({ app, panel }: SubscriptionWorld) => {
  const now = panel.now();
  const run = { jobId: 'a run', enqueuedAt: now, initiatedBy: 'test', task: { name: TASK } };
  return { now, signal: never, receipt: app.app.services.receipts.open(run) };
};

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('a user who was extended between the listing and the call is left alone', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1) });
    const { expiredUsers, panel } = world.app.app.services;
    const listed = (await panel.userByUsername('anna', never))!;
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30) });

    expect(await expiredUsers.disable(listed, turning(world))).toEqual({ outcome: 'left', told: 0 });

    expect(world.panel.user('anna')!.status).toBe('ACTIVE');
    expect(await world.messages()).toEqual([]);
  });

  test('a user who is no longer there is skipped', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1) });
    const { expiredUsers, panel } = world.app.app.services;
    const listed = (await panel.userByUsername('anna', never))!;
    await panel.delete(listed.id, never);
    expect(await expiredUsers.disable(listed, turning(world))).toEqual({ outcome: 'gone', told: 0 });
    expect(await world.audits('subscription.disabled')).toEqual([]);
  });

  /** A run that is killed once the panel has disabled somebody, before its answer arrived. */
  async function killedRun(world: SubscriptionWorld): Promise<void> {
    const kill = new AbortController();
    world.panel.faults({ kind: 'hang_after', path: '/actions/disable', count: 1 });
    const run = world.run(TASK, { signal: kill.signal });
    run.catch(() => undefined);
    await expect.poll(() => world.panel.held()).toBe(1);
    kill.abort(new Error('killed'));
    await expect(run).rejects.toThrow();
    world.panel.faults();
  }

  test.each(['cut_after', 'error_after'] as const)(
    '%s: the user is looked at, written down and told at once',
    async (kind) => {
      await using world = await subscriptionWorld(generation);
      const anna = world.customer('anna', { endsInMs: -hours(1) });
      world.panel.faults({ kind, path: '/actions/disable', count: 1 });
      expect(await world.run(TASK)).toMatchObject({ disabled: 1, told: 1 });
      expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 0 });
      expect(await world.audits('subscription.disabled')).toHaveLength(1);
      expect(await world.deliver(anna.telegramId!)).toHaveLength(1);
    },
  );

  test('killed before the answer of the panel: the next run writes it down and tells, once', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: -hours(1) });
    await killedRun(world);
    expect(world.panel.user('anna')!.status).toBe('DISABLED');
    expect(await world.audits('subscription.disabled')).toEqual([]);

    expect(await world.run(TASK)).toMatchObject({ disabled: 1, told: 1 });
    expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 0 });

    expect(await world.audits('subscription.disabled')).toHaveLength(1);
    expect(await world.deliver(anna.telegramId!)).toHaveLength(1);
  });

  test('an intent whose user renewed before the next run is forgotten, and nobody is told', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1) });
    await killedRun(world);
    world.panel.changeUser('anna', { expireAt: world.panel.now().getTime() + days(30), status: 'ACTIVE' });
    expect(await world.run(TASK)).toMatchObject({ disabled: 0, told: 0 });
    expect(await world.app.redis.client.exists('cybervpn:subscriptions:disabling')).toBe(0);
  });

  test('one user whom the panel fails on keeps nobody else waiting', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: -hours(1) });
    for (let i = 0; i < 10; i += 1) world.customer(`user_${i}`, { endsInMs: -hours(1) });
    const id = generation === 2 ? anna.uuid : anna.id;
    world.panel.faults({ kind: 'error', status: 503, path: `/api/users/${id}/actions` });
    await expect(world.run(TASK)).rejects.toThrow('1 user(s) could not be disabled, the others were');
    expect(await world.audits('subscription.disabled')).toHaveLength(10);

    world.panel.faults();
    expect(await world.run(TASK)).toMatchObject({ disabled: 1, told: 1 });
    expect(await world.messages()).toHaveLength(11);
  });

  test('503: retried 60 s × 3, then one alert', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1) });
    expect(world.app.app.registry.get(TASK).task.retry.delaysMs).toEqual([60_000, 60_000, 60_000]);
    world.panel.faults({ kind: 'error', status: 503, path: '/actions/disable' });
    for (const attempt of [1, 2, 3]) {
      await expect(world.run(TASK, { jobId: 'job', attempt })).rejects.toThrow('503');
      expect(await world.alerts()).toEqual([]);
    }
    await expect(world.run(TASK, { jobId: 'job', attempt: 4 })).rejects.toThrow('503');
    const alerts = await world.alerts();
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toContain(TASK);
  });

  test('a panel that fails for everyone is not asked for everyone', async () => {
    await using world = await subscriptionWorld(generation);
    for (let i = 0; i < 40; i += 1) world.customer(`user_${i}`, { endsInMs: -hours(1) });
    world.panel.faults({ kind: 'error', status: 503, path: '/actions/disable' });
    await expect(world.run(TASK)).rejects.toThrow('could not be disabled');
    expect(world.panel.calls().counts['POST /api/users/:user/actions/disable'] ?? 0).toBeLessThan(20);
    expect(world.panel.user('user_39')!.status).toBe('ACTIVE');
  });
});
