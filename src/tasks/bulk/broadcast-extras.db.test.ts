import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { startTelegramSandbox, type TelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { TelegramClient } from '../../clients/telegram/client.ts';
import { rowsPrefix } from '../../domain/notifications/broadcast-ids.ts';
import { days } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { pictureFacts } from '../../lib/picture-facts.ts';
import { BroadcastPictures } from '../../repositories/history/broadcast-pictures.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import type { BroadcastDraft } from '../../repositories/history/planned-broadcasts.ts';
import { broadcastOf } from '../../testing/broadcast-drafts.ts';
import { PIXEL_PNG } from '../../testing/pixel.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';
import { until } from '../../testing/until.ts';

const CHATS = 120;

describe('what a planned broadcast has besides its text', () => {
  let world: SubscriptionWorld;
  /** Counts Stars, with limits that tests do not wait for. */
  let telegram: TelegramSandbox;
  beforeAll(async () => {
    telegram = await startTelegramSandbox({ limits: { perSecond: 1, perChatMs: 0, paidPerSecond: 5_000 } });
    world = await subscriptionWorld(3, {
      ...{ TELEGRAM_API_URL: telegram.url, TELEGRAM_BOT_TOKEN: telegram.token },
      TELEGRAM_PAID_RATE_PER_SECOND: '1000',
    });
    await installOwnSchema(world.app.app.parts.foundation.database);
    for (let chat = 1; chat <= CHATS; chat += 1)
      world.customer(`c${chat}`, { endsInMs: days(9), telegramId: chat, tag: chat <= 3 ? 'FEW' : 'MANY' });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await telegram.stop();
  });
  beforeEach(async () => {
    telegram.reset();
    await world.app.redis.client.flushall();
    await pool().query('truncate notification_queue cascade');
  });

  const services = () => world.app.app.services;
  const pool = () => world.app.database.pool;
  const now = () => world.panel.now();
  const few = { segment: { tags: ['FEW'] } };
  /** Asks for the paid rate, which this sandbox lets through at once. */
  const fast = { starsLimit: 1_000 };

  async function planned(draft: Partial<BroadcastDraft>): Promise<string> {
    const id = randomUUID();
    await services().plannedBroadcasts.add(id, rowsPrefix(id), broadcastOf(draft), 'token:olga');
    await services().plannedBroadcasts.schedule(id, new Date(now().getTime() - 1_000), 'token:olga');
    return id;
  }
  const found = async (id: string) => (await services().plannedBroadcasts.find(id))!;
  const send = (id: string) => world.app.run('send_broadcast', { broadcast_id: id }, { now: now(), jobId: id });
  const remove = (id: string, options = {}) =>
    world.app.run('delete_broadcast', { broadcast_id: id }, { now: new Date(), jobId: `delete-${id}`, ...options });
  const deliver = () => world.app.run('process_notification_queue', {}, { now: now() });
  async function toTheEnd(draft: Partial<BroadcastDraft>): Promise<string> {
    const id = await planned(draft);
    await expect(send(id)).rejects.toThrow(SnoozeError);
    await deliver();
    await send(id);
    return id;
  }
  async function picture(): Promise<string> {
    const id = randomUUID();
    const pictures = new BroadcastPictures(world.app.app.parts.foundation.database);
    await pictures.add(id, PIXEL_PNG, pictureFacts(PIXEL_PNG)!, 'token:olga');
    return id;
  }

  test('buttons are under each message, one a row', async () => {
    const buttons = [
      { text: 'Renew', url: 'https://example.org/renew' },
      { text: 'Chat', url: 't.me/support' },
    ];
    await toTheEnd({ ...few, ...fast, buttons });
    const under = telegram.messages().map(({ reply_markup: markup }) => markup);
    expect(under).toEqual(Array.from({ length: 3 }, () => ({ inline_keyboard: buttons.map((one) => [one]) })));
  });

  test('a picture is uploaded once, then sent by its id; what Telegram forgot is uploaded again', async () => {
    const draft = { ...few, ...fast, picture: await picture(), texts: { en: 'Hi <b>{username}</b>' } };
    await toTheEnd(draft);
    const sent = telegram.messages();
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ method, visible }) => `${method} ${visible}`))).toEqual(
      new Set(['sendPhoto Hi c1', 'sendPhoto Hi c2', 'sendPhoto Hi c3']),
    );
    expect(sent.filter(({ file }) => file?.isUploaded)).toHaveLength(1);
    // Telegram answers so to an id that it does not know: the picture is uploaded again.
    const tries: boolean[] = [];
    const lend = await services().pictureLoans.lend(draft.picture);
    await lend(async (file) => {
      tries.push('id' in file);
      if ('id' in file) return { kind: 'refused', reason: 'bad_file', description: 'wrong file identifier' };
      return { kind: 'sent', messageId: 1, fileId: 'fresh' };
    });
    expect(tries).toEqual([true, false]);
    const kept = await pool().query('select file_id from task_worker.pictures where id = $1', [draft.picture]);
    expect(kept.rows).toEqual([{ file_id: 'fresh' }]);
  });

  test('a test reaches one chat in each language, with buttons and picture, and is not paid', async () => {
    const buttons = [{ text: 'Renew', url: 'https://example.org' }];
    const texts = { en: 'Hi {username}', ru: 'Привет, {username}' };
    const id = await planned({ ...fast, buttons, picture: await picture(), texts });
    const tested = () => world.app.run('test_broadcast', { broadcast_id: id, telegram_id: 77 }, { jobId: `t-${id}` });
    for (let n = 0; n < 2; n += 1) await tested();
    expect(telegram.messages()).toMatchObject([
      { chat_id: 77, method: 'sendPhoto', visible: 'Hi customer_1', paid: false },
      { chat_id: 77, method: 'sendPhoto', visible: 'Привет, customer_1', paid: false },
    ]);
  });

  test('while our own schema is away its messages wait, others go out, and no attempt is counted', async () => {
    const id = await planned({ ...few, ...fast, buttons: [{ text: 'Renew', url: 'https://example.org' }] });
    await expect(send(id)).rejects.toThrow(SnoozeError);
    await pool().query('alter table task_worker.broadcasts rename to broadcasts_away');
    try {
      const kill = AbortSignal.timeout(1_500);
      await world.app.run('process_notification_queue', {}, { now: now(), signal: kill }).catch(() => undefined);
      expect(telegram.messages()).toEqual([]);
    } finally {
      await pool().query('alter table task_worker.broadcasts_away rename to broadcasts');
    }
    const { rows } = await pool().query('select distinct status, attempts from notification_queue');
    expect(rows).toEqual([{ status: 'pending', attempts: 0 }]);
    await pool().query('update notification_queue set scheduled_at = now()');
    await deliver();
    expect(telegram.messages().every(({ reply_markup: markup }) => markup !== null)).toBe(true);
    expect(telegram.messages()).toHaveLength(3);
  });

  test('what was sent is deleted, exactly that, killed half-way and run again; what stays is counted and named', async () => {
    const id = await toTheEnd(fast);
    await services().delivery.sender.send(
      { ...{ id: randomUUID(), telegramId: 5, text: 'receipt', parseMode: 'HTML', lane: 'urgent' } },
      AbortSignal.timeout(10_000),
    );
    const of = (chat: number) => telegram.messages({ chatId: chat })[0]!;
    of(7).deleted = true;
    await pool().query(`update task_worker.broadcast_chats set sent_at = now() - interval '3 days' where chat = 8`);
    await pool().query('update task_worker.broadcast_chats set messages = null where chat = 9');
    telegram.setChat(10, { state: 'blocked' });
    expect(await services().broadcastDeliveries.askDeletion(id, 'token:olga', new Date())).toBe(true);
    // Killed when some are gone and nobody has noted it.
    const kill = new AbortController();
    const killed = remove(id, { signal: kill.signal });
    await until('some are deleted', () => telegram.stats().deleted > 20);
    kill.abort(new Error('killed'));
    await expect(killed).rejects.toThrow();
    await pool().query(
      `update task_worker.broadcast_chats set deletion = 'begun' where broadcast = $1 and deletion = 'deleted'`,
      [id],
    );
    const counts = await remove(id);
    expect(counts).toMatchObject({ not_found: 1, too_old: 1, unknown: 1, chat_refuses: 1, deleted: CHATS - 4 });
    const left = telegram.messages().filter(({ deleted }) => !deleted);
    expect(new Set(left.map(({ chat_id: chat, visible }) => `${chat} ${visible}`))).toEqual(
      new Set(['10 news', '5 receipt', '8 news', '9 news']),
    );
    expect((await found(id)).deletionEndedAt).toBeInstanceOf(Date);
    telegram.setChat(10, { state: 'ok' });
  });

  test('nothing is deleted of what nobody asked for, or of a broadcast that is not over', async () => {
    const id = await planned({ ...few, ...fast });
    expect(await services().broadcastDeliveries.askDeletion(id, 'token:olga', new Date())).toBe(false);
    await expect(remove(id)).rejects.toThrow('nobody has asked');
  });

  test('each message of a paid broadcast is marked and no other; it stops at its limit to the message', async () => {
    const id = await planned({ starsLimit: 7 });
    await expect(send(id)).rejects.toThrow(SnoozeError);
    await services().delivery.sender.send(
      { ...{ id: randomUUID(), telegramId: 900, text: 'receipt', parseMode: 'HTML', lane: 'urgent' } },
      AbortSignal.timeout(10_000),
    );
    const kill = AbortSignal.timeout(4_000);
    await world.app.run('process_notification_queue', {}, { now: now(), signal: kill }).catch(() => undefined);
    expect(await found(id)).toMatchObject({ state: 'paused', heldBecause: 'stars', paidMessages: 70 });
    const paid = telegram.messages().filter(({ paid }) => paid);
    expect(paid).toHaveLength(70);
    expect(telegram.messages({ chatId: 900 })).toMatchObject([{ paid: false }]);
    expect(telegram.stats().stars).toBeLessThanOrEqual(7);
    expect(telegram.stats().stars).toBeGreaterThan(6);
  });

  test('where the bot may not send paid ones, the broadcast is paused; resumed, it goes on unmarked', async () => {
    const id = await planned({ ...few, ...fast });
    await expect(send(id)).rejects.toThrow(SnoozeError);
    const poor = await startTelegramSandbox({ limits: { ...NO_LIMITS, paidPerSecond: 0 } });
    const observer = { called: () => undefined, breaker: () => undefined };
    using client = new TelegramClient({ token: poor.token, apiRoot: poor.url, observer });
    const refused = await client.sendMessage({ chatId: 1, text: 'x', paid: true }, AbortSignal.timeout(10_000));
    await poor.stop();
    if (refused.kind !== 'refused') throw new Error(refused.kind);
    const [row] = (await services().notifications.claim({ lane: 'any', limit: 1, leaseMs: 1, maxAttempts: 5 })).items;
    const tried = { ...refused, startedAt: new Date() };
    expect(await services().delivery.plannedRows.tried(row!, tried, true)).toBe('wait');
    expect(await found(id)).toMatchObject({ state: 'paused', heldBecause: 'paid_not_allowed' });
    expect(await services().plannedBroadcasts.say(id, 'resume')).toBe('sending');
    expect(await services().delivery.plannedRows.dressed(row!)).toEqual({ kind: 'ready', dress: {} });
  });
});
