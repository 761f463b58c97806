import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { notificationStates } from '../../testing/world/notifications.ts';

describe('broadcast_message', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    world.telegram.reset();
  });

  const broadcast = (ids: readonly number[], options: { jobId: string; now?: Date; enqueuedAt?: Date }, payload = {}) =>
    world.run('broadcast_message', { telegram_ids: ids, message: 'news', ...payload }, options);
  const progress = (id: string) => world.app.services.progress.find(id);

  test('queues every chat once, waits without holding a place, and reports when all rows are done', async () => {
    const job = { jobId: 'b1' };
    await expect(broadcast([1, 2, 2, 3], job)).rejects.toThrow(SnoozeError);
    expect(await notificationStates(world.database.pool)).toEqual({ pending: 3 });
    expect(await progress('b1')).toMatchObject({ status: 'running', processed: 0, total: 3 });
    await world.run('process_notification_queue');
    expect(await broadcast([1, 2, 2, 3], job)).toEqual({ sent: 3, failed: 0, total: 3, errors: [] });
    expect(await progress('b1')).toMatchObject({ status: 'completed', processed: 3, succeeded: 3 });
  });

  test('run again, or by two workers at once, adds nobody twice', async () => {
    const job = { jobId: 'b2' };
    await Promise.allSettled([broadcast([1, 2, 3], job), broadcast([1, 2, 3], job), broadcast([1, 2, 3], job)]);
    expect(await notificationStates(world.database.pool)).toEqual({ pending: 3 });
  });

  test('says who could not be reached and why', async () => {
    world.telegram.setChat(99, { state: 'blocked' });
    const job = { jobId: 'b3' };
    await expect(broadcast([98, 99], job)).rejects.toThrow(SnoozeError);
    await world.run('process_notification_queue');
    expect(await broadcast([98, 99], job)).toMatchObject({
      sent: 1,
      failed: 1,
      errors: [{ telegram_id: 99, error: expect.stringContaining('blocked') }],
    });
  });

  test('reports after 24 h what is done so far', async () => {
    const enqueuedAt = new Date();
    const now = new Date(enqueuedAt.getTime() + hours(24));
    expect(await broadcast([1, 2], { jobId: 'b4', enqueuedAt, now })).toMatchObject({ sent: 0, failed: 0, total: 2 });
  });

  test('keeps its progress under the name its producer gave', async () => {
    await expect(broadcast([1], { jobId: 'b5' }, { job_id: 'theirs', notification_type: 'news' })).rejects.toThrow(
      SnoozeError,
    );
    expect(await progress('theirs')).toMatchObject({ job_id: 'theirs', total: 1 });
  });

  test('takes no more than 20 messages of text, from whichever task, and queues nothing of what is longer', async () => {
    const message = 'x'.repeat(20 * 4096 + 1);
    for (const task of ['broadcast_message', 'execute_bulk_broadcast'])
      await expect(world.run(task, { telegram_ids: [1], message })).rejects.toThrow(/message: needs 21 messages/);
    expect(await notificationStates(world.database.pool)).toEqual({});
  });

  test('to nobody is done at once', async () => {
    expect(await broadcast([], { jobId: 'b6' })).toEqual({ sent: 0, failed: 0, total: 0, errors: [] });
  });
});
