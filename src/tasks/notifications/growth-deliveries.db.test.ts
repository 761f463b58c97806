import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { growthDelivery, growthDeliveryRow, growthEvents } from '../../testing/growth-delivery.ts';
import { notificationRow, queueNotifications } from '../../testing/notification-rows.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe('what the platform keeps of growth messages follows its notifications', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue, mobile_users cascade');
    await world.redis.client.flushall();
    world.telegram.faults();
    world.telegram.reset();
  });

  const run = () => world.run('process_notification_queue');
  let people = 0;

  /** A growth message that is due, as the backend queues it. */
  async function growthMessage(seed: object = {}) {
    people += 1;
    const seeds = [{ telegramId: 5_000 + people, type: 'growth:invite_reward', ...seed }];
    const [id] = await queueNotifications(world.database.pool, seeds);
    const delivery = await growthDelivery(world.database.pool, id!);
    return {
      id: id!,
      telegramId: seeds[0]!.telegramId,
      row: () => notificationRow(world.database.pool, id!),
      delivery: () => growthDeliveryRow(world.database.pool, delivery),
      events: () => growthEvents(world.database.pool, delivery),
    };
  }
  const event = (event_type: string, delivery_status: string, reason_code: string | null = null) =>
    expect.objectContaining({ event_type, delivery_status, reason_code });
  const started = event('telegram_processing_started', 'processing');

  test('sent: delivered at the time of the row, no reason, and the two events', async () => {
    const message = await growthMessage();
    const before = await message.delivery();
    expect(await run()).toMatchObject({ sent: 1 });
    const { sent_at } = await message.row();
    const after = await message.delivery();
    expect(after).toMatchObject({ delivery_status: 'delivered', status_reason: null, delivered_at: sent_at });
    expect(after.updated_at.getTime()).toBeGreaterThan(before.updated_at.getTime());
    const events = await message.events();
    expect(events).toEqual([started, event('telegram_delivered', 'delivered')]);
    for (const each of events)
      expect(each).toMatchObject({ event_payload: { channel: 'telegram' }, notification_queue_id: message.id });
  });

  test('to be tried again: queued with its reason, and an event that tells attempts and error', async () => {
    const message = await growthMessage();
    world.telegram.faults({ kind: 'error', status: 500, path: 'sendMessage', count: 1 });
    expect(await run()).toMatchObject({ retried: 1 });
    const { attempts, error_message } = await message.row();
    expect(await message.delivery()).toMatchObject({
      delivery_status: 'queued',
      status_reason: 'telegram_retry_pending',
      delivered_at: null,
    });
    const events = await message.events();
    expect(events).toEqual([started, event('telegram_retry_scheduled', 'queued', 'telegram_retry_pending')]);
    expect(events[1]!.event_payload).toEqual({ channel: 'telegram', attempts, queue_error_message: error_message });
    expect(attempts).toBe(1);
  });

  test.each([
    { what: 'after the last attempt', seed: { attempts: 4 }, fails: true },
    { what: 'for good, when the customer blocked the bot', seed: {}, fails: false },
  ])('failed $what: failed with its reason, and the event', async ({ fails, seed }) => {
    const message = await growthMessage(seed);
    if (fails) world.telegram.faults({ kind: 'error', status: 500, path: 'sendMessage', count: 1 });
    else world.telegram.setChat(message.telegramId, { state: 'blocked' });
    expect(await run()).toMatchObject({ failed: 1 });
    const { attempts, error_message } = await message.row();
    expect(await message.delivery()).toMatchObject({
      delivery_status: 'failed',
      status_reason: 'telegram_delivery_failed',
      delivered_at: null,
    });
    const events = await message.events();
    expect(events).toEqual([started, event('telegram_failed', 'failed', 'telegram_delivery_failed')]);
    expect(events[1]!.event_payload).toEqual({ channel: 'telegram', attempts, queue_error_message: error_message });
  });

  test('ended without a call to Telegram: failed, and no event says that sending began', async () => {
    const message = await growthMessage();
    world.telegram.setChat(message.telegramId, { state: 'blocked' });
    await run();
    const second = await growthMessage({ telegramId: message.telegramId });
    expect(await run()).toMatchObject({ skipped: 1 });
    expect(await second.delivery()).toMatchObject({ delivery_status: 'failed' });
    expect(await second.events()).toEqual([event('telegram_failed', 'failed', 'telegram_delivery_failed')]);
  });

  test('dropped by an admin as an old backlog: failed, too', async () => {
    const message = await growthMessage({ dueSecondsAgo: 3 * 86_400 });
    await world.app.services.notifications.decideHeld(new Date(Date.now() - 86_400_000), 'drop', 10);
    expect(await message.delivery()).toMatchObject({ delivery_status: 'failed' });
    expect(await message.events()).toEqual([event('telegram_failed', 'failed', 'telegram_delivery_failed')]);
  });

  test('many at once, among rows that nobody keeps anything of: each gets its own', async () => {
    const messages = await Promise.all(Array.from({ length: 60 }, () => growthMessage()));
    await queueNotifications(
      world.database.pool,
      Array.from({ length: 60 }, (_, i) => ({ telegramId: 9_000 + i })),
    );
    expect(await run()).toMatchObject({ sent: 120 });
    for (const message of messages)
      expect(await message.events()).toEqual([started, event('telegram_delivered', 'delivered')]);
  });

  test('one whose record refuses the change is sent and settled all the same, and its record is left whole', async () => {
    const message = await growthMessage();
    const { pool } = world.database;
    await pool.query(`alter table customer_growth_notification_delivery_events
                      add constraint none_of_these check (event_type <> 'telegram_delivered') not valid`);
    try {
      expect(await run()).toMatchObject({ sent: 1 });
      expect(await message.row()).toMatchObject({ status: 'sent' });
      expect(await message.delivery()).toMatchObject({ delivery_status: 'queued' });
      expect(await message.events()).toEqual([]);
      expect(world.telegram.messages()).toHaveLength(1);
    } finally {
      await pool.query('alter table customer_growth_notification_delivery_events drop constraint none_of_these');
    }
  });
});
