import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { brakesOf } from '../../app/doors/brakes.ts';
import { hours, minutes } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { CancelledError } from '../../runtime/outcome.ts';
import { listenToBulk } from '../../testing/bulk-events.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe('execute_bulk_broadcast', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.database.pool.query('truncate mobile_users cascade');
    await world.redis.client.flushall();
    world.telegram.reset();
  });

  type Options = { jobId: string; now?: Date; enqueuedAt?: Date; signal?: AbortSignal };
  const broadcast = (chats: readonly number[] | 'all', options: Options, payload = {}) =>
    world.run('execute_bulk_broadcast', { telegram_ids: chats, message: 'news', ...payload }, options);
  const say = (id: string, action: string, options = {}) =>
    world.run('control_bulk_broadcast', { broadcast_id: id, action }, options);
  const deliver = () => world.run('process_notification_queue');
  const progress = (id: string) => world.app.services.progress.find(id);
  const customer = (telegramId: number | null, isActive = true) =>
    world.database.pool.query(
      `insert into mobile_users (id, email, username, telegram_id, is_active, status, password_hash, created_at)
       values ($1::uuid, $1::uuid || '@example.org', null, $2, $3, 'active', 'x', now())`,
      [randomUUID(), telegramId, isActive],
    );
  const queued = async (): Promise<number[]> =>
    (
      await world.database.pool.query<{ telegram_id: string }>(
        `select telegram_id from notification_queue where notification_type = 'broadcast' order by telegram_id`,
      )
    ).rows.map((row) => Number(row.telegram_id));

  test('queues every chat once, waits without holding a place, and ends with its counts', async () => {
    using heard = await listenToBulk(world.redis);
    world.telegram.setChat(4, { state: 'blocked' });
    const chats = [1, 2, 2, 3, 4];
    await expect(broadcast(chats, { jobId: 'b1' })).rejects.toThrow(SnoozeError);
    expect(await progress('b1')).toMatchObject({ status: 'running', processed: 0, total: 4 });
    await deliver();
    const enqueuedAt = new Date(Date.now() - minutes(2));
    const result = await broadcast(chats, { jobId: 'b1', enqueuedAt, now: new Date(enqueuedAt.getTime() + 90_500) });
    expect(result).toMatchObject({ sent: 3, failed: 1, withdrawn: 0, total: 4, duration_seconds: 90.5 });
    expect(result.errors).toEqual([{ telegram_id: 4, error: expect.stringContaining('blocked') }]);
    expect(heard.events.map(({ type }) => type)).toEqual(['bulk.broadcast.progress', 'bulk.broadcast.completed']);
    await deliver();
    expect(world.telegram.messages({ chatId: 900000001 })[0]?.visible).toContain('Delivered: 3 of 4');
  });

  test("'all' is every active customer with a Telegram id who is reachable, however many there are", async () => {
    await world.database.pool.query(
      `insert into mobile_users (id, email, telegram_id, is_active, status, password_hash, created_at)
       select gen_random_uuid(), n || '@example.org', n, true, 'active', 'x', now() from generate_series(1, 2500) as n`,
    );
    await customer(null);
    await customer(9_001, false);
    await world.app.services.delivery.marks.markUnreachable(7, 'blocked');
    await expect(broadcast('all', { jobId: 'b2' })).rejects.toThrow(SnoozeError);
    const chats = await queued();
    expect(chats).toHaveLength(2_499);
    expect(chats).not.toContain(7);
    expect(chats).not.toContain(9_001);
  });

  test('to far more than SAFETY_MAX_SHARE of all it is its own confirmation: nothing is held', async () => {
    const chats = Array.from({ length: 120 }, (_, i) => i + 1_001);
    await expect(broadcast(chats, { jobId: 'large' })).rejects.toThrow(SnoozeError);
    expect(await deliver()).toMatchObject({ sent: 120, held: 0 });
    expect(await brakesOf(world.app).list()).toEqual([]);
  });

  test('run again, or by two workers at once, adds nobody twice, also when a killed one had added some', async () => {
    const kill = new AbortController();
    kill.abort(new Error('killed'));
    const chats = Array.from({ length: 1_500 }, (_, i) => i + 1);
    await expect(broadcast(chats, { jobId: 'b3', signal: kill.signal })).rejects.toThrow('killed');
    await expect(broadcast(chats.slice(0, 700), { jobId: 'b3' })).rejects.toThrow(SnoozeError);
    await world.redis.client.flushall();
    await Promise.allSettled([broadcast(chats, { jobId: 'b3' }), broadcast(chats, { jobId: 'b3' })]);
    expect(await queued()).toEqual(chats);
  });

  test('two broadcasts at once to the same chats keep apart', async () => {
    await expect(broadcast([1, 2], { jobId: 'b4' })).rejects.toThrow(SnoozeError);
    await expect(broadcast([1, 2], { jobId: 'b5' }, { message: 'other' })).rejects.toThrow(SnoozeError);
    await say('b4', 'cancel');
    await deliver();
    expect(world.telegram.messages({ chatId: 1 }).map(({ visible }) => visible)).toEqual(['other']);
    expect(await broadcast([1, 2], { jobId: 'b5' })).toMatchObject({ sent: 2, total: 2 });
  });

  test('paused, nothing goes out until it is resumed', async () => {
    const job = { jobId: 'b6' };
    await expect(broadcast([1, 2, 3], job)).rejects.toThrow(SnoozeError);
    expect(await say('b6', 'pause')).toMatchObject({ paused: 3, pending: 0 });
    await deliver();
    expect(world.telegram.messages({ chatId: 1 })).toEqual([]);
    const afterDays = new Date(Date.now() + hours(100));
    await expect(broadcast([1, 2, 3], { ...job, now: afterDays })).rejects.toThrow(SnoozeError);
    expect(await progress('b6')).toMatchObject({ status: 'paused' });
    expect(await say('b6', 'resume')).toMatchObject({ paused: 0, pending: 3 });
    await deliver();
    expect(await broadcast([1, 2, 3], job)).toMatchObject({ sent: 3 });
  });

  test('a row that was in a worker’s hands when it was paused is held at the next look', async () => {
    const job = { jobId: 'b7' };
    await expect(broadcast([1], job)).rejects.toThrow(SnoozeError);
    const { notifications } = world.app.services;
    const {
      items: [row],
    } = await notifications.claim({ lane: 'any', limit: 10, leaseMs: minutes(5), maxAttempts: 5 });
    await say('b7', 'pause');
    await notifications.release([row!]);
    await expect(broadcast([1], job)).rejects.toThrow(SnoozeError);
    await deliver();
    expect(world.telegram.messages({ chatId: 1 })).toEqual([]);
  });

  test('cancelled, what is not sent is withdrawn', async () => {
    const job = { jobId: 'b8' };
    await expect(broadcast([1, 2, 3], job)).rejects.toThrow(SnoozeError);
    expect(await say('b8', 'cancel')).toMatchObject({ withdrawn: 3, pending: 0 });
    await deliver();
    expect(world.telegram.messages({ chatId: 1 })).toEqual([]);
    expect(await broadcast([1, 2, 3], job)).toMatchObject({ sent: 0, failed: 0, withdrawn: 3, total: 3 });
    expect(await progress('b8')).toMatchObject({ status: 'cancelled' });
  });

  test('cancelled while paused, or before its first row, nothing goes out', async () => {
    await expect(broadcast([1, 2], { jobId: 'b9' })).rejects.toThrow(SnoozeError);
    await say('b9', 'pause');
    expect(await say('b9', 'cancel')).toMatchObject({ withdrawn: 2, paused: 0 });
    await say('early', 'cancel');
    expect(await broadcast([1, 2], { jobId: 'early' })).toMatchObject({ total: 0, sent: 0 });
    await deliver();
    expect(world.telegram.messages({ chatId: 1 })).toEqual([]);
  });

  test('what a worker has in hand when it is cancelled is waited for, then withdrawn', async () => {
    await expect(broadcast([1, 2], { jobId: 'b10' })).rejects.toThrow(SnoozeError);
    const { notifications } = world.app.services;
    const { items: rows } = await notifications.claim({ lane: 'any', limit: 1, leaseMs: minutes(5), maxAttempts: 5 });
    await expect(say('b10', 'cancel')).rejects.toThrow("in workers' hands");
    await notifications.release(rows);
    expect(await say('b10', 'cancel')).toMatchObject({ withdrawn: 2, pending: 0 });
  });

  test('its job is cancelled while it waits: the rows are withdrawn too', async () => {
    await expect(broadcast([1, 2], { jobId: 'b11' })).rejects.toThrow(SnoozeError);
    const signal = AbortSignal.abort(new CancelledError('b11'));
    await expect(broadcast([1, 2], { jobId: 'b11', signal })).rejects.toThrow(CancelledError);
    expect(await progress('b11')).toMatchObject({ status: 'cancelled', processed: 2, succeeded: 0 });
    await deliver();
    expect(world.telegram.messages({ chatId: 1 })).toEqual([]);
  });

  test('reports after 24 h what is done so far', async () => {
    const enqueuedAt = new Date();
    const now = new Date(enqueuedAt.getTime() + hours(24));
    expect(await broadcast([1, 2], { jobId: 'b12', enqueuedAt, now })).toMatchObject({ sent: 0, failed: 0, total: 2 });
  });

  test('to nobody is done at once', async () => {
    expect(await broadcast([], { jobId: 'b13' })).toMatchObject({ sent: 0, failed: 0, total: 0 });
    expect(await broadcast('all', { jobId: 'b14' })).toMatchObject({ total: 0 });
  });

  test('under its former name, with the names of its former fields', async () => {
    const payload = { telegram_ids: [5], text: 'hello', job_id: 'theirs' };
    await expect(world.run('bulk_broadcast', payload, { jobId: 'b15' })).rejects.toThrow(SnoozeError);
    expect(await progress('theirs')).toMatchObject({ operation: 'broadcast', total: 1 });
  });
});
