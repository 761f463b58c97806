import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rowsPrefix } from '../../domain/notifications/broadcast-ids.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import type { Segment } from '../../lib/segment.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { CancelledError } from '../../runtime/outcome.ts';
import { broadcastOf } from '../../testing/broadcast-drafts.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

describe('send_broadcast', () => {
  let world: SubscriptionWorld;
  beforeEach(async () => {
    world = await subscriptionWorld(3, { TIME_ZONE: 'Europe/Moscow' });
    await installOwnSchema(world.app.app.parts.foundation.database);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  type Given = {
    segment?: Segment;
    texts?: { en?: string; ru?: string };
    holdoutPercent?: number;
    sendAt?: Date;
    id?: string;
  };
  async function planned(given: Given): Promise<string> {
    const { holdoutPercent = 0, id = randomUUID(), segment = {}, sendAt, texts = { en: 'news' } } = given;
    const at = sendAt ?? new Date(world.panel.now().getTime() - 1_000);
    const draft = broadcastOf({ segment, texts, holdoutPercent });
    await services().plannedBroadcasts.add(id, rowsPrefix(id), draft, 'token:olga');
    await services().plannedBroadcasts.schedule(id, at, 'token:olga');
    return id;
  }
  const services = () => world.app.app.services;
  const send = (id: string, options = {}) =>
    world.app.run('send_broadcast', { broadcast_id: id }, { now: world.panel.now(), jobId: id, ...options });
  const found = async (id: string) => (await services().plannedBroadcasts.find(id))!;
  const parts = (id: string) => services().plannedBroadcasts.countParts(id);
  /** Sends, delivers, and looks until it is over. */
  async function toTheEnd(id: string) {
    await expect(send(id)).rejects.toThrow(SnoozeError);
    await world.deliver();
    return await send(id);
  }
  const texts = async () =>
    (await world.messages()).map(({ message, telegram_id: chat }) => `${chat} ${message}`).sort();

  test.each([
    ['let go on', 'resume'],
    ['cancelled', 'cancel'],
  ] as const)(
    'one that nobody could send within a day of its time is held, told once, and %s by staff',
    async (_, wish) => {
      world.customer('anna', { endsInMs: days(4), telegramId: 11 });
      const id = await planned({
        texts: { en: 'Only today' },
        sendAt: new Date(world.panel.now().getTime() - hours(30)),
      });
      await expect(send(id)).rejects.toThrow(SnoozeError);
      await expect(send(id)).rejects.toThrow(SnoozeError);
      expect(await found(id)).toMatchObject({ state: 'paused', heldBecause: 'late' });
      expect(await world.alerts()).toEqual([
        expect.stringContaining('could go out only 1 d 6 h after its time. Nobody got it.'),
      ]);
      await services().plannedBroadcasts.say(id, wish);
      const result = wish === 'cancel' ? await send(id) : await toTheEnd(id);
      expect(result).toMatchObject({ sent: wish === 'cancel' ? 0 : 1, failed: 0 });
      expect((await texts()).filter((text) => text === '11 Only today')).toHaveLength(wish === 'cancel' ? 0 : 1);
    },
  );

  test('one that is hours late goes out, as does one that lost its job since it began', async () => {
    world.customer('anna', { endsInMs: days(4), telegramId: 11 });
    const id = await planned({ sendAt: new Date(world.panel.now().getTime() - hours(23)) });
    await expect(send(id)).rejects.toThrow(SnoozeError);
    await world.deliver();
    expect(await send(id, { now: new Date(world.panel.now().getTime() + days(3)) })).toMatchObject({ sent: 1 });
  });

  test('each chat of the segment gets it once, in its language and with its values', async () => {
    world.customer('anna', { endsInMs: days(4) - hours(1), telegramId: 11 });
    world.customer('anna_2', { endsInMs: days(2), telegramId: 11 });
    world.customer('boris', { endsInMs: days(40), telegramId: 12 });
    world.customer('<b>', { endsInMs: days(1), telegramId: 13 });
    const id = await planned({
      segment: { ends: { from_days: 0, to_days: 7 } },
      texts: { en: 'Hi {username}, {days_left} left' },
    });
    const result = await toTheEnd(id);
    expect(result).toMatchObject({ sent: 2, failed: 0, total: 2 });
    expect(await texts()).toEqual(['11 Hi anna, 4 days left', '13 Hi &lt;b&gt;, 1 day left']);
    expect(await found(id)).toMatchObject({ state: 'done', endedAt: expect.any(Date) });
    expect(await parts(id)).toMatchObject({ told: 2, missed: 0 });
  });

  test('its messages are delivered at once, and not at the next poll', async () => {
    for (let chat = 1; chat <= 1_200; chat += 1) world.customer(`d${chat}`, { endsInMs: days(9), telegramId: chat });
    await expect(send(await planned({}))).rejects.toThrow(SnoozeError);
    const waiting = await world.app.app.queues.get('notifications').getWaiting();
    expect(waiting.map(({ name }) => name)).toEqual(['process_notification_queue']);
  });

  test('who is refused, held out, or lacks what the text names is counted, and told nothing', async () => {
    for (let chat = 1; chat <= 100; chat += 1) world.customer(`c${chat}`, { endsInMs: days(9), telegramId: chat });
    await services().delivery.marks.markUnreachable(7, 'blocked');
    await world.app.database.pool.query(
      `insert into mobile_users (id, email, telegram_id, is_active, status, password_hash, created_at)
       select gen_random_uuid(), n || '@example.org', n, true, 'active', 'x', now() from generate_series(95, 110) as n`,
    );
    world.app.telegram.setChat(9, { state: 'blocked' });
    // Neither 7 nor 9 is among those who are held out of this one.
    const id = await planned({
      ...{ id: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b01', holdoutPercent: 20 },
      texts: { en: 'until {expires_at}' },
    });
    const composer = services().broadcastComposer;
    const plan = { id, segment: {}, texts: { en: 'until {expires_at}' }, holdoutPercent: 20, starsLimit: undefined };
    const estimate = await composer.estimate(plan, world.panel.now(), AbortSignal.timeout(10_000));
    await toTheEnd(id);
    const counts = await parts(id);
    expect(counts.told + counts.missed).toBe(estimate.parts.told);
    expect(counts.held_out).toBe(estimate.parts.held_out);
    expect(counts.held_out).toBe(16);
    expect(counts).toMatchObject({ unreachable: 1, missed: 1, without_values: estimate.parts.without_values });
    expect(estimate).toMatchObject({ chats: 110, unreachable: { blocked: 1 } });
    expect((await world.messages())[0]?.message).toMatch(/^until \d{4}-\d\d-\d\d \d\d:\d\d GMT\+3$/);
    expect((await services().plannedBroadcasts.missed(id, 0, 10)).map(({ chat }) => chat)).toEqual(
      expect.arrayContaining([7, 9]),
    );
  });

  test('killed while it adds, in an emptied Redis, and by two at once: nobody gets two, nobody is left out', async () => {
    for (let chat = 1; chat <= 1_200; chat += 1) world.customer(`k${chat}`, { endsInMs: days(9), telegramId: chat });
    const id = await planned({});
    const kill = new AbortController();
    const alive = services().plannedBroadcasts;
    const adding = send(id, { signal: kill.signal });
    while ((await parts(id)).told === 0) await alive.find(id);
    kill.abort(new Error('killed'));
    await expect(adding).rejects.toThrow();
    await world.app.redis.client.flushall();
    await Promise.allSettled([send(id), send(id)]);
    const { rows } = await world.app.database.pool.query(
      `select count(*)::int as rows, count(distinct telegram_id)::int as chats from notification_queue where notification_type = 'broadcast:planned'`,
    );
    expect(rows).toEqual([{ rows: 1_200, chats: 1_200 }]);
  });

  test('before its time nothing is done; at its time it gets one job, and again where Redis lost it', async () => {
    world.customer('anna', { endsInMs: days(4), telegramId: 11 });
    const sendAt = new Date(world.panel.now().getTime() + hours(2));
    const id = await planned({ sendAt });
    await expect(send(id)).rejects.toThrow('is to be sent at');
    expect(await world.run('start_due_broadcasts')).toEqual({ due: 0 });
    const later = { now: new Date(sendAt.getTime() + minutes(1)) };
    const queue = world.app.app.queues.get('bulk');
    for (let n = 0; n < 3; n += 1) expect(await world.run('start_due_broadcasts', later)).toEqual({ due: 1 });
    expect((await queue.getWaiting()).map((job) => job.id)).toEqual([id]);
    await world.app.redis.client.flushall();
    await world.run('start_due_broadcasts', later);
    expect((await queue.getWaiting()).map((job) => job.id)).toEqual([id]);
  });

  test('paused, nothing more goes out; resumed, the rest does; cancelled, it is withdrawn', async () => {
    for (let chat = 1; chat <= 3; chat += 1) world.customer(`p${chat}`, { endsInMs: days(9), telegramId: chat });
    const id = await planned({});
    await expect(send(id)).rejects.toThrow(SnoozeError);
    expect(await services().plannedBroadcasts.say(id, 'pause')).toBe('paused');
    await expect(send(id)).rejects.toThrow(SnoozeError);
    expect(await world.deliver()).toEqual([]);
    expect(await services().plannedBroadcasts.say(id, 'resume')).toBe('sending');
    await expect(send(id)).rejects.toThrow(SnoozeError);
    expect(await services().plannedBroadcasts.say(id, 'cancel')).toBe('cancelled');
    expect(await send(id)).toMatchObject({ sent: 0, withdrawn: 3 });
    expect(await found(id)).toMatchObject({ state: 'cancelled' });
    expect(await parts(id)).toMatchObject({ told: 0, withdrawn: 3 });
    expect(await services().plannedBroadcasts.say(id, 'resume')).toBe('cancelled');
  });

  test('who cancels its job has cancelled the broadcast', async () => {
    world.customer('anna', { endsInMs: days(9), telegramId: 1 });
    const id = await planned({});
    const signal = AbortSignal.abort(new CancelledError('x'));
    await expect(send(id, { signal })).rejects.toThrow();
    expect(await found(id)).toMatchObject({ state: 'cancelled' });
    expect(await send(id)).toMatchObject({ total: 0 });
  });

  test('sent again to those who missed it, and to nobody else', async () => {
    for (let chat = 1; chat <= 3; chat += 1) world.customer(`m${chat}`, { endsInMs: days(9), telegramId: chat });
    world.app.telegram.setChat(2, { state: 'blocked' });
    const id = await planned({});
    await toTheEnd(id);
    world.app.telegram.setChat(2, { state: 'ok' });
    await services().delivery.marks.noteReached(2);
    const again = await planned({ segment: { missed: id } });
    expect(await toTheEnd(again)).toMatchObject({ sent: 1, total: 1 });
    expect(world.app.telegram.messages({ chatId: 2 })).toHaveLength(1);
    expect(world.app.telegram.messages({ chatId: 1 })).toHaveLength(1);
  });
});
