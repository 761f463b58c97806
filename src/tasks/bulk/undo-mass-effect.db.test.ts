import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import type { Result } from '../../runtime/define-task.ts';
import {
  GENERATIONS,
  type GenerationNumber,
  type SubscriptionWorld,
  subscriptionWorld,
} from '../../testing/subscription-world.ts';

const UNDO = 'undo_mass_effect';

const generationOf = new WeakMap<SubscriptionWorld, GenerationNumber>();

async function keptWorld(generation: GenerationNumber): Promise<SubscriptionWorld> {
  const world = await subscriptionWorld(generation);
  await installOwnSchema(world.app.app.parts.foundation.database);
  generationOf.set(world, generation);
  return world;
}

type Line = {
  effect: string;
  subject: string;
  undo_state: string | null;
  undo_note: string | null;
  was: { status?: string };
};

async function linesOf({ app }: SubscriptionWorld, jobId: string): Promise<Line[]> {
  const { rows } = await app.database.pool.query<Line>(
    `select effect, subject, undo_state, undo_note, was from task_worker.receipt_lines
       join task_worker.receipts on id = receipt where job_id = $1 order by subject`,
    [jobId],
  );
  return rows;
}

async function receiptOf({ app }: SubscriptionWorld, jobId: string): Promise<string> {
  const { rows } = await app.database.pool.query<{ id: string }>(
    'select id from task_worker.receipts where job_id = $1',
    [jobId],
  );
  expect(rows).toHaveLength(1);
  return rows[0]!.id;
}

/** Runs an operation on these users, as one job. */
async function bulk(
  world: SubscriptionWorld,
  operation: 'disable' | 'enable',
  names: readonly string[],
  jobId: string,
) {
  const ids = names.map((name) => {
    const { id, uuid } = world.panel.user(name)!;
    return generationOf.get(world) === 2 ? uuid : String(id);
  });
  const payload = { operation, user_uuids: ids };
  expect(await world.app.run('execute_bulk_user_operation', payload, { now: world.panel.now(), jobId })).toMatchObject({
    failed: 0,
  });
}

const undo = async (world: SubscriptionWorld, receipt_id: string, jobId: string): Promise<Result> =>
  await world.app.run(UNDO, { receipt_id }, { now: world.panel.now(), jobId });

const statuses = ({ panel }: SubscriptionWorld, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, panel.user(name)?.status]));

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('what still stands is undone, the rest is named with its reason; again and in turn', async () => {
    await using world = await keptWorld(generation);
    const names = ['alone', 'moved', 'on_again', 'gone', 'staffed', 'paid', 'later'];
    for (const name of names) world.customer(name, { endsInMs: days(30) });
    await bulk(world, 'disable', names, 'the act');
    const receipt = await receiptOf(world, 'the act');
    expect((await linesOf(world, 'the act')).map(({ subject }) => subject)).toEqual(
      names.toSorted((a, b) => (a < b ? -1 : 1)),
    );

    const { database } = world.app;
    world.panel.changeUser('moved', { expireAt: world.panel.now().getTime() + days(60) });
    world.panel.changeUser('on_again', { status: 'ACTIVE' });
    const idOf = (name: string): string => {
      const { id, uuid } = world.panel.user(name)!;
      return generation === 2 ? uuid : String(id);
    };
    await world.app.app.services.panel.delete(idOf('gone'), new AbortController().signal);
    const admin = randomUUID();
    await database.pool.query(
      'insert into admin_users (id, login, role, is_active, totp_enabled, is_email_verified) values ($1, $2, $2, true, false, true)',
      [admin, 'x'],
    );
    await database.pool.query(
      `insert into audit_logs (id, admin_id, action, entity_type, entity_id, created_at)
       values ($1, $2, 'user.note', 'user', $3, now() + interval '1 minute')`,
      [randomUUID(), admin, idOf('staffed')],
    );
    const customer = randomUUID();
    const { telegramId, uuid } = world.panel.user('paid')!;
    await database.pool.query(
      `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
       values ($1, 'paid@example.com', 'x', 'paid', $2, $3, true, 'active')`,
      [customer, telegramId, generation === 2 ? uuid : null],
    );
    await database.pool.query(
      `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, metadata, created_at)
       values ($1, $2, 10, 'USD', 'pending', 'cryptobot', 30, $3, now())`,
      [
        randomUUID(),
        customer,
        JSON.stringify({ remnawave_username: 'paid', worker: { activation: 'pending', attempts: 1 } }),
      ],
    );
    await bulk(world, 'enable', ['later'], 'another act');
    await bulk(world, 'disable', ['later'], 'one more');

    expect(await undo(world, receipt, 'undo 1')).toMatchObject({ undone: 1, left: 6, total: 7, held: 0 });
    expect(Object.fromEntries((await linesOf(world, 'the act')).map((line) => [line.subject, line.undo_note]))).toEqual(
      {
        ...{ alone: null, gone: 'gone', later: 'later_run', moved: 'date_changed' },
        ...{ on_again: 'status_changed', paid: 'paid', staffed: 'staff' },
      },
    );
    expect(statuses(world, names)).toEqual({
      ...{ alone: 'ACTIVE', gone: undefined, later: 'DISABLED', moved: 'DISABLED' },
      ...{ on_again: 'ACTIVE', paid: 'DISABLED', staffed: 'DISABLED' },
    });
    expect(await world.audits('undo.enable')).toHaveLength(1);

    // Undone twice does it once: the second leaves what the first left.
    expect(await undo(world, receipt, 'undo 2')).toMatchObject({ undone: 0, left: 6 });
    expect(await world.audits('undo.enable')).toHaveLength(1);

    // An undo has a receipt like any other, and is undone by it.
    expect(await linesOf(world, 'undo 1')).toMatchObject([{ effect: 'enable', subject: 'alone' }]);
    expect(await undo(world, await receiptOf(world, 'undo 1'), 'undo 3')).toMatchObject({ undone: 1, left: 0 });
    expect(statuses(world, ['alone'])).toEqual({ alone: 'DISABLED' });
  });

  test('killed half-way and gone on: one receipt with each once, also of answers that were lost', async () => {
    await using world = await keptWorld(generation);
    const names = Array.from({ length: 12 }, (_, i) => `user_${i}`);
    for (const name of names) world.customer(name, { endsInMs: days(30) });
    await bulk(world, 'disable', names, 'the act');
    const receipt = await receiptOf(world, 'the act');

    const kill = new AbortController();
    world.panel.faults({ kind: 'hang_after', path: '/actions/enable', count: 1 });
    const killed = world.app.run(
      UNDO,
      { receipt_id: receipt },
      { now: world.panel.now(), jobId: 'undo', signal: kill.signal },
    );
    await expect
      .poll(() => names.filter((name) => world.panel.user(name)!.status === 'ACTIVE').length)
      .toBeGreaterThan(3);
    kill.abort(new Error('killed'));
    await expect(killed).rejects.toThrow();

    const first = (await linesOf(world, 'undo')).length;
    const went = await undo(world, receipt, 'undo');
    expect(went.undone).toBe(names.length - first);
    expect(statuses(world, names)).toEqual(Object.fromEntries(names.map((name) => [name, 'ACTIVE'])));
    expect((await linesOf(world, 'undo')).map(({ subject }) => subject)).toEqual(
      names.toSorted((a, b) => (a < b ? -1 : 1)),
    );
    expect(await world.audits('undo.enable')).toHaveLength(names.length);
    expect((await linesOf(world, 'the act')).every((line) => line.undo_state === 'undone')).toBe(true);
  });

  test('two undos at once do each act once', async () => {
    await using world = await keptWorld(generation);
    const names = Array.from({ length: 20 }, (_, i) => `user_${i}`);
    for (const name of names) world.customer(name, { endsInMs: days(30), status: 'DISABLED' });
    await bulk(world, 'enable', names, 'the act');
    const receipt = await receiptOf(world, 'the act');
    const both = await Promise.allSettled([undo(world, receipt, 'undo a'), undo(world, receipt, 'undo b')]);
    for (const one of both) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(SnoozeError);
    expect(statuses(world, names)).toEqual(Object.fromEntries(names.map((name) => [name, 'DISABLED'])));
    expect(await world.audits('undo.disable')).toHaveLength(names.length);
  });

  test('more than a fifth of all users is held; only those that were shown are undone', async () => {
    await using world = await keptWorld(generation);
    const names = Array.from({ length: 60 }, (_, i) => `late_${i}`);
    for (const name of names) world.customer(name, { endsInMs: -hours(1) });
    world.crowd(100);
    const { brake } = world.app.app.services;
    expect(
      await world.app.run('disable_expired_users', {}, { now: world.panel.now(), jobId: 'the act' }),
    ).toMatchObject({ held: 1 });
    await brake.confirm('disable_expired_users', world.panel.now(), 'go');
    expect(
      await world.app.run('disable_expired_users', {}, { now: world.panel.now(), jobId: 'the act' }),
    ).toMatchObject({ disabled: 60 });
    const receipt = await receiptOf(world, 'the act');

    await expect(undo(world, receipt, 'undo')).rejects.toThrow('wait for an admin');
    const name = `${UNDO}:${receipt}`;
    expect(await brake.list()).toMatchObject([{ name, wouldTouch: 60 }]);
    world.panel.changeUser('late_7', { expireAt: world.panel.now().getTime() + minutes(90) });
    await brake.confirm(name, world.panel.now(), 'only_these');
    expect(await undo(world, receipt, 'undo')).toMatchObject({ undone: 59, left: 1, held: 0 });
    expect(statuses(world, ['late_6', 'late_7'])).toEqual({ late_6: 'ACTIVE', late_7: 'DISABLED' });
  });

  test('an undo that an admin does not want ends and does nothing', async () => {
    await using world = await keptWorld(generation);
    const names = Array.from({ length: 60 }, (_, i) => `user_${i}`);
    for (const name of names) world.customer(name, { endsInMs: days(30), status: 'DISABLED' });
    await bulk(world, 'enable', names, 'the act');
    const receipt = await receiptOf(world, 'the act');
    await expect(undo(world, receipt, 'undo')).rejects.toThrow('wait for an admin');
    await world.app.app.services.brake.confirm(`${UNDO}:${receipt}`, world.panel.now(), 'not_this_time');
    expect(await undo(world, receipt, 'undo')).toMatchObject({ undone: 0, held: 1 });
    expect(names.some((name) => world.panel.user(name)!.status === 'DISABLED')).toBe(false);
  });
});

test('without our schema an undo says what to run', async () => {
  await using world = await subscriptionWorld(2);
  await expect(undo(world, randomUUID(), 'undo')).rejects.toThrow('schema install');
});
