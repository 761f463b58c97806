import { describe, expect, test } from 'vitest';
import { days, hours } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { loadTasks } from '../../runtime/registry.ts';
import { startCampaign } from '../../testing/campaign-world.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const MIDNIGHT = new Date('2026-12-01T00:00:00.000Z');
const MANY = 60;
const LIMITED = { trafficLimitBytes: 1000, usedTrafficBytes: 400 } as const;

/** One task that can be held: who is due to it, who is not any more, and to whom it was done. */
type Held = {
  prepare?(world: SubscriptionWorld): Promise<unknown>;
  due(world: SubscriptionWorld, name: string): void;
  spare(world: SubscriptionWorld, name: string): void;
  done(world: SubscriptionWorld): Promise<readonly string[]>;
};

const told = async (world: SubscriptionWorld): Promise<string[]> => {
  const chats = new Set((await world.messages()).map(({ telegram_id: chat }) => Number(chat)));
  return NAMES.filter((name) => chats.has(world.panel.user(name)?.telegramId ?? 0));
};

const HELD: Readonly<Record<string, Held>> = {
  disable_expired_users: {
    due: (world, name) => world.customer(name, { endsInMs: -hours(1) }),
    spare: ({ panel }, name) => panel.changeUser(name, { expireAt: panel.now().getTime() + days(30) }),
    done: async ({ panel }) => NAMES.filter((name) => panel.user(name)?.status === 'DISABLED'),
  },
  check_expiring_subscriptions: {
    due: (world, name) => world.customer(name, { endsInMs: hours(5) }),
    spare: ({ panel }, name) => panel.changeUser(name, { expireAt: panel.now().getTime() + days(30) }),
    done: told,
  },
  reset_monthly_traffic: {
    due: (world, name) => world.customer(name, { endsInMs: days(30), ...LIMITED }),
    spare: ({ panel }, name) => panel.changeUser(name, { usedTrafficBytes: 0 }),
    done: async ({ panel }) => NAMES.filter((name) => panel.user(name)?.lastTrafficResetAt),
  },
  run_campaigns: {
    prepare: async (world) => {
      await installOwnSchema(world.app.app.parts.foundation.database);
      await startCampaign(world, { trigger: 'before_end', at: [24] });
    },
    due: (world, name) => world.customer(name, { endsInMs: hours(5) }),
    spare: ({ panel }, name) => panel.changeUser(name, { expireAt: panel.now().getTime() + days(30) }),
    done: told,
  },
};

const SHOWN = Array.from({ length: MANY }, (_, i) => `due_${i}`);
const NAMES = [...SHOWN, 'newcomer'];

/** A run as the queue has it: what is only waited for is not looked at again. */
async function run(world: SubscriptionWorld, task: string): Promise<{ held?: unknown }> {
  try {
    return await world.run(task, { enqueuedAt: MIDNIGHT });
  } catch (error) {
    if (error instanceof SnoozeError) return {};
    throw error;
  }
}

/** Held, and the world has moved between the look and the answer: one came, one does not qualify any more. */
async function heldWorld(task: string): Promise<SubscriptionWorld> {
  const { due, prepare, spare } = HELD[task]!;
  const world = await subscriptionWorld(2, {}, MIDNIGHT);
  await prepare?.(world);
  world.crowd(100);
  for (const name of SHOWN) due(world, name);
  expect(await run(world, task)).toMatchObject({ held: 1 });
  due(world, 'newcomer');
  spare(world, 'due_7');
  return world;
}

const brakeOf = (world: SubscriptionWorld) => world.app.app.services.brake;

describe.each(Object.keys(HELD))('%s, held', (task) => {
  const others = SHOWN.filter((name) => name !== 'due_7');

  test('go: all who are due now', async () => {
    await using world = await heldWorld(task);
    await brakeOf(world).confirm(task, world.panel.now(), 'go');
    await run(world, task);
    await expect.poll(() => HELD[task]!.done(world)).toEqual([...others, 'newcomer']);
  });

  test('only these: whom the list showed and who is still due', async () => {
    await using world = await heldWorld(task);
    await brakeOf(world).confirm(task, world.panel.now(), 'only_these');
    await run(world, task);
    await expect.poll(() => HELD[task]!.done(world)).toEqual(others);
  });

  test('not this time: nobody, and nobody is asked again for a day', async () => {
    await using world = await heldWorld(task);
    await brakeOf(world).confirm(task, world.panel.now(), 'not_this_time');
    expect(await run(world, task)).toMatchObject({ held: 1 });
    expect(await HELD[task]!.done(world)).toEqual([]);
    expect(await brakeOf(world).list()).toEqual([]);
    expect(await world.alerts()).toHaveLength(1);
  });
});

test('every task that a brake can hold is here, or has a test of its own', async () => {
  const { tasks } = await loadTasks();
  const braked = tasks.filter(({ mass, needs }) => mass && needs.includes('brake')).map(({ name }) => name);
  expect(new Set(braked)).toEqual(new Set([...Object.keys(HELD), 'undo_mass_effect']));
});
