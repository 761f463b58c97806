import { describe, expect, test } from 'vitest';
import { days, hours, minutes } from '../../lib/duration.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { ReceiptRows } from '../../repositories/history/receipt-rows.ts';
import type { Result } from '../../runtime/define-task.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const NAMES = Array.from({ length: 30 }, (_, i) => `user_${String(i).padStart(2, '0')}`);

async function keptWorld(endsInMs: number): Promise<SubscriptionWorld> {
  const world = await subscriptionWorld(2, { BULK_BATCH_SIZE: '10' });
  await installOwnSchema(world.app.app.parts.foundation.database);
  for (const name of NAMES) world.customer(name, { endsInMs });
  return world;
}

/** Calls to the panel at once: the default of REMNAWAVE_CONCURRENCY. */
const AT_ONCE = 8;

const subjects = async ({ app }: SubscriptionWorld): Promise<string[]> => {
  const { rows } = await app.database.pool.query<{ subject: string }>(
    'select subject from task_worker.receipt_lines where done_at is not null order by subject',
  );
  return rows.map(({ subject }) => subject);
};

const receipts = async ({ app }: SubscriptionWorld) =>
  (await app.database.pool.query('select * from task_worker.receipts')).rows;

/** Runs it as a worker that is killed in the middle of a call that the panel has done, and as the worker that goes on. */
async function killedAndGoneOn(world: SubscriptionWorld, task: string, payload: object): Promise<Result> {
  const kill = new AbortController();
  const run = (signal?: AbortSignal) =>
    world.app.run(task, payload, { now: world.panel.now(), jobId: 'the act', ...(signal && { signal }) });
  world.panel.faults({ kind: 'hang_after', path: '/actions/disable', count: AT_ONCE });
  const off = () => NAMES.filter((name) => world.panel.user(name)!.status === 'DISABLED').length;
  const killed = run(kill.signal);
  // The panel has done all that it was asked for, and every answer is awaited.
  await expect.poll(off, { timeout: 10_000 }).toBe(AT_ONCE);
  kill.abort(new Error('killed'));
  await expect(killed).rejects.toThrow();
  return await run();
}

describe('a run that is killed half-way and gone on has one receipt with each subject once', () => {
  test('of a bulk operation', async () => {
    await using world = await keptWorld(days(30));
    const ids = NAMES.map((name) => world.panel.user(name)!.uuid);
    const payload = { operation: 'disable', user_uuids: ids };
    expect(await killedAndGoneOn(world, 'execute_bulk_user_operation', payload)).toMatchObject({ failed: 0 });
    expect(await subjects(world)).toEqual(NAMES);
    expect(await receipts(world)).toMatchObject([{ job_id: 'the act', lost: '0', ended_at: expect.any(Date) }]);
  });

  test('of the disabling of expired users, with what stood before', async () => {
    await using world = await keptWorld(-hours(1));
    await killedAndGoneOn(world, 'disable_expired_users', {});
    expect(await subjects(world)).toEqual(NAMES);
    expect(await receipts(world)).toHaveLength(1);
    const { rows } = await world.app.database.pool.query(
      'select distinct effect, was ->> $1 as was from task_worker.receipt_lines',
      ['status'],
    );
    expect(rows).toEqual([{ effect: 'disable_and_tell', was: 'ACTIVE' }]);
  });
});

test('a message that was begun and never queued is taken out, one that was queued is done', async () => {
  await using world = await keptWorld(hours(5));
  const { receipts: kept } = world.app.app.services;
  const head = { jobId: 'the act', enqueuedAt: world.panel.now(), initiatedBy: 'test', task: { name: 'x' } };
  const receipt = kept.open(head);
  const line = { effect: 'remind', isMessage: true, subject: 'never' };
  await receipt.begun([{ ...line, act: '6f1c2f0e-0000-4000-8000-000000000001' }]);
  await receipt.close(false);
  expect(await subjects(world)).toEqual([]);
  const run = { now: world.panel.now(), jobId: 'reminding' };
  expect(await world.app.run('check_expiring_subscriptions', {}, run)).toMatchObject({ reminded: NAMES.length });
  expect(await subjects(world)).toEqual(NAMES);
});

test('receipts that cannot be written end no act and hold none up; what is lost is counted', async () => {
  await using world = await keptWorld(-hours(1));
  const { pool } = world.app.database;
  const blocker = await pool.connect();
  try {
    await blocker.query('begin');
    await blocker.query('lock table task_worker.receipt_lines in access exclusive mode');
    const ran = await world.app.run('disable_expired_users', {}, { now: world.panel.now(), jobId: 'the act' });
    expect(ran).toMatchObject({ disabled: NAMES.length, told: NAMES.length });
    await blocker.query('rollback');
  } finally {
    blocker.release();
  }
  await pool.query('drop table task_worker.receipt_lines');
  world.customer('late', { endsInMs: -minutes(30) });
  expect(await world.app.run('disable_expired_users', {}, { now: world.panel.now(), jobId: 'another' })).toMatchObject({
    disabled: 1,
  });
});

test('a receipt is forgotten with the runs of its day', async () => {
  await using world = await keptWorld(days(30));
  const rows = new ReceiptRows(world.app.app.parts.foundation.database);
  const of = (id: string, ageMs: number) =>
    rows.add({ id, jobId: id, task: 'x', initiatedBy: 'test', beganAt: new Date(Date.now() - ageMs) }, [
      { act: id, effect: 'disable', subject: id, at: new Date(), isDone: true },
    ]);
  await of('6f1c2f0e-0000-4000-8000-000000000001', days(32));
  await of('6f1c2f0e-0000-4000-8000-000000000002', days(2));
  // A clock that runs ahead forgets nothing that is young.
  await rows.forget(new Date(Date.now() + days(60)), 30);
  expect(await receipts(world)).toMatchObject([{ id: '6f1c2f0e-0000-4000-8000-000000000002' }]);
});
